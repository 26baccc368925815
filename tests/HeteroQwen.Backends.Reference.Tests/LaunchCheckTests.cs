using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Reference.Tests;

/// <summary>Launches that break a rule are refused with a sentence before anything is read or written.</summary>
public sealed class LaunchCheckTests : IDisposable
{
    private static readonly Bindings s_bindings = new(2, 0, 0, 0);

    private readonly IDevice _device = Reference.Open();
    private readonly IStream _stream;
    private readonly IKernel _kernel;
    private readonly IBuffer _buffer;
    private readonly Argument[] _arguments;

    public LaunchCheckTests()
    {
        OpDescriptor op = OpRunner.Describe(Silu.Instance, [TestTensor.Of(new float[8], Dim.T, 4)], Attributes.Empty, new(8, 0, 0, 0));
        Assert.True(_device.CreateStream(out IStream? stream).IsOk);
        Assert.True(_device.Prepare(op, [null], out IKernel? kernel).IsOk);
        Assert.True(_device.Allocate(MemoryKind.Device, 256, out IBuffer? buffer).IsOk);
        (_stream, _kernel, _buffer) = (stream!, kernel!, buffer!);
        _arguments = [new() { Buffer = buffer, Strides = [4, 1] }, new() { Buffer = buffer, Offset = 64, Strides = [4, 1] }];
    }

    [Fact]
    public void A_right_launch_is_accepted() => Assert.Null(Launch(s_bindings));

    [Fact]
    public void Bindings_beyond_the_maxima_or_of_0_are_refused()
    {
        Assert.Equal("silu: bindings T=9 N=0 B=0 R=0 exceed the maxima T=8 N=0 B=0 R=0", Launch(new(9, 0, 0, 0)));
        Assert.Equal("silu: dimension 0 of operand 0 is 0", Launch(default));
    }

    [Fact]
    public void Missing_foreign_and_released_buffers_are_refused()
    {
        _arguments[0].Buffer = null;
        Assert.Equal("silu: operand 0: no buffer was given", Launch(s_bindings));
        _arguments[0].Buffer = new ForeignBuffer();
        Assert.Equal("silu: operand 0: the buffer is not one of this device", Launch(s_bindings));
        Assert.True(_device.Allocate(MemoryKind.Device, 128, out IBuffer? released).IsOk);
        released!.Dispose();
        _arguments[0].Buffer = released;
        Assert.Equal("silu: operand 0: the buffer was released", Launch(s_bindings));
    }

    [Fact]
    public void Arguments_outside_their_buffer_are_refused()
    {
        _arguments[1].Offset = 256;
        Assert.Equal("silu: result 0: 32 bytes from byte 256 on lie outside a buffer of 256 bytes", Launch(s_bindings));
        _arguments[1].Offset = -64;
        Assert.Equal("silu: result 0: 32 bytes from byte -64 on lie outside a buffer of 256 bytes", Launch(s_bindings));
        _arguments[1].Offset = 64;
        _arguments[0].Strides = [1000, 1];
        Assert.Equal("silu: operand 0: 4016 bytes from byte 0 on lie outside a buffer of 256 bytes", Launch(s_bindings));
    }

    [Fact]
    public void An_argument_that_is_not_aligned_is_refused()
    {
        _arguments[1].Offset = 32;
        Assert.Equal("silu: result 0 begins at byte 32, which is no multiple of 64", Launch(s_bindings));
    }

    [Fact]
    public void Strides_that_are_missing_negative_or_overflow_are_refused()
    {
        _arguments[0].Strides = [1];
        Assert.Equal("silu: operand 0 comes with 1 strides for 2 dimensions", Launch(s_bindings));
        _arguments[0].Strides = [4, -1];
        Assert.Equal("silu: stride 1 of operand 0 is -1", Launch(s_bindings));
        _arguments[0].Strides = [long.MaxValue, 1];
        Assert.Equal("silu: the strides or sizes of an argument overflow", Launch(s_bindings));
    }

    [Fact]
    public void A_result_over_an_operand_is_refused()
    {
        // The operand's last row ends 4 bytes into the result.
        _arguments[0].Strides = [13, 1];
        Assert.Equal("silu: result 0 overlaps operand 0", Launch(s_bindings));
        _arguments[0].Strides = [12, 1];
        Assert.Null(Launch(s_bindings));
    }

    [Fact]
    public void A_state_that_does_not_lie_upon_its_next_version_is_refused()
    {
        TestTensor[] operands = [TestTensor.Of(new float[8], 4, 2).AsState(), TestTensor.Of([1], 1), TestTensor.Of(new float[2], 1, 2)];
        OpDescriptor op = OpRunner.Describe(ScatterRows.Instance, operands, Attributes.Empty, default);
        Assert.True(_device.Prepare(op, [null, null, null], out IKernel? kernel).IsOk);
        Argument At(long offset, params long[] strides) => new() { Buffer = _buffer, Offset = offset, Strides = strides };
        Status status = _stream.Launch(kernel!, default, [At(0, 2, 1), At(64, 1), At(128, 2, 1), At(192, 2, 1)], null, 0);
        Assert.Equal("scatter_rows: result 0 does not lie upon operand 0", status.Message);
        kernel!.Dispose();
    }

    [Fact]
    public void The_wrong_number_of_arguments_and_a_foreign_kernel_are_refused()
    {
        Status status = _stream.Launch(_kernel, s_bindings, _arguments[..1], null, 0);
        Assert.Equal("silu: 1 arguments for 1 operands and 1 results", status.Message);
        status = _stream.Launch(new ForeignKernel(), s_bindings, _arguments, null, 0);
        Assert.Equal("launch: the kernel is not one of this device", status.Message);
    }

    public void Dispose()
    {
        _buffer.Dispose();
        _kernel.Dispose();
        _stream.Dispose();
        _device.Dispose();
    }

    private string? Launch(Bindings bindings)
    {
        Status status = _stream.Launch(_kernel, bindings, _arguments, null, 0);
        Assert.Equal(status.IsOk ? StatusCode.Ok : StatusCode.InvalidArgument, status.Code);
        return status.Message;
    }

    private sealed class ForeignBuffer : IBuffer
    {
        public long Bytes => 128;

        public nint HostAddress => 0;

        public void Dispose()
        {
        }
    }

    private sealed class ForeignKernel : IKernel
    {
        public KernelInfo Info => new(0, 0, [], false, false, 0);

        public Status Workspace(in Bindings bindings, out long bytes)
        {
            bytes = 0;
            return Status.Ok;
        }

        public void Dispose()
        {
        }
    }
}
