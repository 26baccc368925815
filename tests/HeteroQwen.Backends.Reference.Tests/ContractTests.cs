using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

public sealed class ContractTests
{
    private static readonly Attributes s_neg = new(("kind", "neg"));

    [Fact]
    public void Devices_lists_one_device_that_opens()
    {
        ReferenceBackend backend = new();
        Assert.True(backend.Devices(out ImmutableArray<DeviceInfo> devices).IsOk);
        DeviceInfo info = Assert.Single(devices);
        Assert.True(info.Available);
        Assert.True(info.MemoryBytes > 0);
        Assert.Equal("reference", backend.Name);
        Assert.True(backend.Open(0, new(("threads", 1L)), out IDevice? device).IsOk);
        using (device)
        {
            Assert.Equal(Determinism.BatchInvariant, device!.Capabilities.Determinism);
            Assert.Equal([Precision.Exact, Precision.Fast], device.Capabilities.Numerics.Select(n => n.Precision).Order());
            Assert.All(device.Capabilities.Numerics, n => Assert.Equal(53, n.AccumulateBits));
        }
    }

    public static TheoryData<string, AttributeValue, string> WrongOptions => new()
    {
        { "threads", 2L, "reference runs on 1 thread, not 2; leave the option threads out or set it to 1" },
        { "threads", 1.0, "reference runs on 1 thread, not 1.0; leave the option threads out or set it to 1" },
        { "tier", "avx2", "reference has no tier \"avx2\"; leave the option tier out" },
        { "speed", 9L, "reference does not know the option speed; it takes threads = 1 and no other" },
    };

    [Theory]
    [MemberData(nameof(WrongOptions))]
    public void Open_refuses_options_by_name(string name, AttributeValue value, string sentence)
    {
        Status status = new ReferenceBackend().Open(0, new((name, value)), out IDevice? device);
        Assert.Null(device);
        Assert.Equal((StatusCode.InvalidArgument, sentence), (status.Code, status.Message));
    }

    [Fact]
    public void Open_of_another_index_is_unavailable()
    {
        Status status = new ReferenceBackend().Open(1, Attributes.Empty, out IDevice? device);
        Assert.Null(device);
        Assert.Equal(StatusCode.Unavailable, status.Code);
    }

    [Fact]
    public void Supports_every_primitive_and_inner_composite_and_no_view_or_block()
    {
        foreach (OpDefinition op in OpCatalog.All)
        {
            // Silu's operands fit few ops: a kernel that exists is known by another reason, or none.
            string? reason = Reason(Describe(Silu.Instance, Attributes.Empty) with { Name = op.Name });
            Assert.Equal(op.Class == OpClass.View, reason == "a view needs no kernel");
            Assert.Equal(op.Class == OpClass.Block, reason == "a block means its opened form");
        }

        Assert.Equal("there is no op fft", Reason(Describe(Silu.Instance, Attributes.Empty) with { Name = "fft" }));
    }

    [Fact]
    public void Supports_answers_no_with_a_reason_to_types_and_forms_that_it_does_not_run()
    {
        TestTensor x = TestTensor.Of(new float[64], 1, 64);
        TestTensor broken = new TestTensor(ElementType.Q4_K, [1, 64], []).AsConstant();
        string? reason = Reason(OpRunner.Describe(Linear.Instance, [x, broken], Attributes.Empty, default));
        Assert.EndsWith("is no whole number of blocks of 256 in each row", reason, StringComparison.Ordinal);

        OpDescriptor silu = Describe(Silu.Instance, Attributes.Empty);
        Assert.StartsWith("silu C1", Reason(silu with { Attributes = s_neg }), StringComparison.Ordinal);
        OpDescriptor misshapen = silu with { Results = [silu.Results[0] with { Dims = [4] }] };
        Assert.Equal("its results are f32[2, 2]", Reason(misshapen));
        TensorDescriptor large = new(ElementType.F32, [Dim.T, Dim.N], TensorRole.Input, false);
        Bindings maxima = new(int.MaxValue, int.MaxValue, 1, 1);
        Assert.Equal("f32[T, N] is too large", Reason(silu with { Operands = [large], Results = [large], Maxima = maxima }));
        Assert.NotNull(Reason(silu with { Operands = default }));
    }

    [Fact]
    public void Supports_takes_all_operands_strided_and_prepare_keeps_to_it()
    {
        using IDevice device = Reference.Open();
        Assert.True(device.Supports(Describe(Silu.Instance, Attributes.Empty), out Support support).IsOk);
        Assert.Equal((true, ulong.MaxValue), (support.IsSupported, support.StridedOperands));
        Status status = device.Prepare(Describe(Silu.Instance, Attributes.Empty) with { Name = "fft" }, [null], out IKernel? kernel);
        Assert.Null(kernel);
        Assert.Equal(StatusCode.Unsupported, status.Code);
    }

    [Fact]
    public void Prepare_refuses_constants_that_do_not_fit()
    {
        using IDevice device = Reference.Open();
        TestTensor x = TestTensor.Of(new float[2], 1, 2);
        TestTensor weight = TestTensor.Of(new float[4], 2, 2).AsConstant();
        OpDescriptor op = OpRunner.Describe(Linear.Instance, [x, weight], Attributes.Empty, default);
        using HostConstant host = new("w", weight);
        ConstantData right = host.Data;
        ByteRange Range(int length) => new(right.Ranges[0].Address, length);
        ConstantData?[][] wrong =
        [
            [null, null],
            [right, right],
            [null],
            [null, right with { Type = ElementType.F16 }],
            [null, right with { Shape = [4, 1] }],
            [null, right with { Ranges = [Range(12)] }],
            [null, right with { Ranges = [Range(12), Range(4)] }],
            [null, right with { Ranges = [new(0, 16)] }],
            [null, right with { Ranges = [] }],
        ];
        Assert.All(wrong, constants => Assert.Equal(StatusCode.InvalidArgument, device.Prepare(op, constants, out _).Code));
        Assert.True(device.Prepare(op, [null, right], out IKernel? kernel).IsOk);
        Assert.Equal((1UL, true), (kernel!.Info.ReadsOperands, kernel.Info.KeepsHostConstants));
        kernel.Dispose();
    }

    [Fact]
    public void Buffers_are_aligned_released_twice_without_harm_and_refused_afterwards()
    {
        using IDevice device = Reference.Open();
        using IStream stream = Stream(device);
        Assert.True(device.Allocate(MemoryKind.Device, 100, out IBuffer? a).IsOk);
        Assert.True(device.Allocate(MemoryKind.PinnedHost, 100, out IBuffer? b).IsOk);
        Assert.Equal((100L, 0L), (a!.Bytes, a.HostAddress % device.Capabilities.Alignment));
        Assert.True(stream.Copy(b!, 50, a, 0, 50).IsOk);
        Assert.Equal(StatusCode.InvalidArgument, stream.Copy(b!, 51, a, 0, 50).Code);
        Assert.Equal(StatusCode.InvalidArgument, stream.Copy(b!, 0, a, -1, 50).Code);
        Assert.Equal(StatusCode.InvalidArgument, stream.Copy(b!, long.MaxValue, a, 0, 50).Code);
        Assert.Equal(StatusCode.InvalidArgument, device.Allocate(MemoryKind.Device, 0, out _).Code);
        Assert.Equal(StatusCode.OutOfMemory, device.Allocate(MemoryKind.Device, long.MaxValue, out _).Code);
        a.Dispose();
        a.Dispose();
        Assert.Equal(0, a.HostAddress);
        Assert.Equal("copy, source: the buffer was released", stream.Copy(b!, 0, a, 0, 1).Message);
        b!.Dispose();
    }

    [Fact]
    public unsafe void Fill_repeats_a_word_over_whole_words_only()
    {
        using IDevice device = Reference.Open();
        using IStream stream = Stream(device);
        Assert.True(device.Allocate(MemoryKind.Device, 16, out IBuffer? buffer).IsOk);
        Assert.True(stream.Fill(buffer!, 0, 16, 1).IsOk);
        Assert.True(stream.Fill(buffer!, 4, 8, 0x01020304).IsOk);
        Assert.Equal([1u, 0x01020304, 0x01020304, 1], new ReadOnlySpan<uint>((void*)buffer!.HostAddress, 4).ToArray());
        Assert.Equal(StatusCode.InvalidArgument, stream.Fill(buffer, 0, 6, 0).Code);
        Assert.Equal(StatusCode.InvalidArgument, stream.Fill(buffer, 12, 8, 0).Code);
        buffer.Dispose();
    }

    [Fact]
    public void Tickets_rise_and_are_complete_and_others_are_refused()
    {
        using IDevice device = Reference.Open();
        using IStream stream = Stream(device);
        Assert.True(stream.Record(out ulong first).IsOk);
        Assert.True(stream.Record(out ulong second).IsOk);
        Assert.True(second > first);
        Assert.True(stream.Query(first, out bool complete).IsOk && complete);
        Assert.True(stream.Wait(second).IsOk);
        Assert.Equal(StatusCode.InvalidArgument, stream.Wait(second + 1).Code);
    }

    [Fact]
    public void Use_after_release_is_refused()
    {
        IDevice device = Reference.Open();
        IStream stream = Stream(device);
        Assert.True(device.Prepare(Describe(Silu.Instance, Attributes.Empty), [null], out IKernel? kernel).IsOk);
        kernel!.Dispose();
        kernel.Dispose();
        Assert.Equal("silu: the kernel was released", stream.Launch(kernel, default, [], null, 0).Message);
        Assert.Equal(StatusCode.InvalidArgument, kernel.Workspace(default, out _).Code);
        stream.Dispose();
        stream.Dispose();
        Assert.Equal("reference: the stream was released", stream.Synchronize().Message);
        Assert.Equal(StatusCode.InvalidArgument, stream.Record(out _).Code);
        device.Dispose();
        device.Dispose();
        Assert.Equal(StatusCode.InvalidArgument, device.Supports(Describe(Silu.Instance, Attributes.Empty), out _).Code);
        Assert.Equal(StatusCode.InvalidArgument, device.Allocate(MemoryKind.Device, 1, out _).Code);
        Assert.Equal(StatusCode.InvalidArgument, device.CreateStream(out _).Code);
    }

    private static IStream Stream(IDevice device)
    {
        Assert.True(device.CreateStream(out IStream? stream).IsOk);
        return stream!;
    }

    private static OpDescriptor Describe(OpDefinition op, Attributes attributes) =>
        OpRunner.Describe(op, [TestTensor.Of(new float[4], 2, 2)], attributes, default);

    private static string? Reason(OpDescriptor op)
    {
        using IDevice device = Reference.Open();
        Assert.True(device.Supports(op, out Support support).IsOk);
        Assert.Equal(support.IsSupported, support.Reason is null);
        return support.Reason;
    }
}
