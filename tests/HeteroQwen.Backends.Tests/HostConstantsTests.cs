using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Tests;

/// <summary>Generated constants get host memory once, for as long as someone reads them.</summary>
public sealed unsafe class HostConstantsTests
{
    private const long Memory = 1 << 26;

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    public void Acquire_fills_a_generated_constant_whatever_the_number_of_threads(int threads)
    {
        // Five pieces, the last one short.
        ConstantData generated = Generated("w", ElementType.Q8_0, 4200, 1024);
        HostConstants host = new("chip", Memory, threads);
        Assert.True(host.Acquire([null, generated], out HostConstantLease? lease).IsOk);
        Assert.Null(lease!.Constants[0]);
        ConstantData inMemory = lease.Constants[1]!;
        Assert.Null(inMemory.Generator);
        Assert.Equal((generated.Bytes, 0L), (inMemory.Bytes, inMemory.Ranges[0].Address % 64));
        byte[] expected = new byte[generated.Bytes];
        fixed (byte* to = expected)
        {
            generated.Read(0, (nint)to, expected.Length);
        }

        Assert.True(new ReadOnlySpan<byte>((void*)inMemory.Ranges[0].Address, expected.Length).SequenceEqual(expected));
        lease.Dispose();
    }

    [Fact]
    public void Acquire_gives_two_readers_one_memory_until_both_are_released()
    {
        HostConstants host = new("chip", Memory, 2);
        ConstantData tied = Generated("embedding", ElementType.F32, 8, 16);
        host.Acquire([tied], out HostConstantLease? first);
        host.Acquire([null, tied with { Shape = [16, 8] }], out HostConstantLease? second);
        Assert.Equal(first!.Constants[0]!.Ranges[0], second!.Constants[1]!.Ranges[0]);
        Assert.Equal([16, 8], second.Constants[1]!.Shape);
        Assert.Equal(tied.Bytes, host.Bytes);
        first.Dispose();
        first.Dispose();
        Assert.Equal(tied.Bytes, host.Bytes);
        second.Dispose();
        Assert.Equal(0, host.Bytes);
    }

    [Fact]
    public void Acquire_passes_ranges_through()
    {
        ConstantData mapped = new("m", ElementType.F32, [4], [new(64, 8), new(128, 8)]);
        HostConstants host = new("chip", 0, 1);
        Assert.True(host.Acquire([mapped], out HostConstantLease? lease).IsOk);
        Assert.Same(mapped, lease!.Constants[0]);
        lease.Dispose();
    }

    [Fact]
    public void Acquire_refuses_what_does_not_fit_and_keeps_nothing_of_it()
    {
        HostConstants host = new("chip", 1000, 1);
        ConstantData small = Generated("small", ElementType.F32, 8, 16);
        Status status = host.Acquire([small, Generated("large", ElementType.F32, 8, 16)], out HostConstantLease? lease);
        Assert.Equal((StatusCode.OutOfMemory, 0L), (status.Code, host.Bytes));
        Assert.Equal("chip: large takes 512 bytes and 488 are left", status.Message);
        Assert.Null(lease);
        status = new HostConstants("chip", long.MaxValue, 1).Acquire([Generated("huge", ElementType.F32, 1L << 40, 1 << 16)], out _);
        Assert.Equal((StatusCode.OutOfMemory, "chip: no memory for the generated constant huge"), (status.Code, status.Message));
    }

    [Fact]
    public void Acquire_refuses_a_constant_that_cannot_be_generated()
    {
        HostConstants host = new("chip", Memory, 1);
        ConstantData integers = new("i", ElementType.I32, [4], []) { Generator = new(1, 0, 1) };
        Assert.Equal(StatusCode.InvalidArgument, host.Acquire([integers], out _).Code);
        Assert.Equal(StatusCode.InvalidArgument, host.Acquire(null!, out _).Code);
        Assert.Equal(0, host.Bytes);
    }

    private static ConstantData Generated(string identity, ElementType type, params long[] shape) =>
        ConstantData.Generated(identity, type, ImmutableCollectionsMarshal.AsImmutableArray(shape), new ConstantGenerator(3, 0, 0.02));
}
