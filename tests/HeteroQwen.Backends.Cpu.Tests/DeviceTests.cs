using System.Collections.Immutable;
using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Tests;

public sealed class DeviceTests : IDisposable
{
    private static readonly OpDescriptor s_silu = OpRunner.Describe(
        Silu.Instance, [TestTensor.Of(new float[16], Dim.T, 4)], Attributes.Empty, new Bindings(8, 1, 1, 1));

    private readonly CpuDevice _device = new(3, smallestShare: 1);
    private readonly IStream _stream;

    public DeviceTests()
    {
        OpRunner.Check("create stream", _device.CreateStream(out IStream? stream));
        _stream = stream!;
    }

    public void Dispose() => _device.Dispose();

    [Fact]
    public void Devices_lists_one_with_the_processors_name()
    {
        OpRunner.Check("devices", new CpuBackend().Devices(out ImmutableArray<DeviceInfo> devices));
        DeviceInfo device = Assert.Single(devices);
        Assert.True(device.Available);
        Assert.NotEmpty(device.Name);
        Assert.True(device.MemoryBytes > 0);
    }

    [Fact]
    public void Open_refuses_by_name_what_it_does_not_know_or_cannot_honour()
    {
        CpuBackend backend = new();
        (Attributes Options, string Expected)[] refused =
        [
            (new(("threads", 0L)), "threads = 0"), (new(("threads", 1025L)), "threads = 1025"), (new(("threads", "4")), "threads = \"4\""),
            (new(("threads", 2.0)), "threads = 2.0"), (new(("tier", "sse9")), "tier = \"sse9\""),
            (new(("tier", 1L)), "tier = 1"), (new(("colour", 1L)), "colour"),
        ];
        foreach ((Attributes options, string expected) in refused)
        {
            Status status = backend.Open(0, options, out IDevice? device);
            Assert.Equal(StatusCode.InvalidArgument, status.Code);
            Assert.Contains(expected, status.Message, StringComparison.Ordinal);
            Assert.Null(device);
        }

        Assert.Equal(StatusCode.Unavailable, backend.Open(1, Attributes.Empty, out _).Code);
        OpRunner.Check("open", backend.Open(0, new(("threads", 2L)), out IDevice? opened));
        Assert.Equal(2, Assert.IsType<CpuDevice>(opened).Pool.Threads);
        opened.Dispose();
    }

    [Fact]
    public void Supports_says_no_with_a_reason_to_blocks_quantised_operands_and_what_breaks_a_constraint()
    {
        OpDescriptor Silu(TensorDescriptor x) => s_silu with { Operands = [x] };
        TensorDescriptor rows = s_silu.Operands[0];
        (OpDescriptor Op, string Expected)[] refused =
        [
            (s_silu with { Name = "ffn_block" }, "blocks are opened"), (s_silu with { Name = "fft" }, "no such op"),
            (Silu(rows with { Element = ElementType.Q8_0 }), "no whole number of blocks"),
            (Silu(rows with { Element = ElementType.F16 }), "x is f32"),
            (Silu(rows with { Element = ElementType.Q8_0, Dims = [Dim.T, 32], Strided = true }), "operand 0 is strided"),
            (Silu(rows with { Element = ElementType.Q8_0, Dims = [Dim.T, 32] }), "x is f32"),
            (Silu(rows with { Dims = [Dim.T, 5] }), "the results are"), (s_silu with { Operands = [] }, "one operand"),
            (Silu(rows with { Strided = true, Role = TensorRole.Constant, Dims = [4, 4] }), "operand 0 is strided"),
            (Silu(rows with { Role = TensorRole.Constant }), "symbolic shape"),
            (s_silu with { Results = [s_silu.Results[0] with { Strided = true }] }, "a result is strided"),
        ];
        foreach ((OpDescriptor op, string expected) in refused)
        {
            OpRunner.Check("supports", _device.Supports(op, out Support support));
            Assert.False(support.IsSupported);
            Assert.Contains(expected, support.Reason, StringComparison.Ordinal);
            Assert.Equal(StatusCode.Unsupported, _device.Prepare(op, new ConstantData?[op.Operands.Length], out _).Code);
        }
    }

    [Fact]
    public void Launch_refuses_arguments_that_do_not_fit()
    {
        IKernel kernel = Prepare(s_silu);
        using IBuffer buffer = Allocate(128);
        Argument whole = new() { Buffer = buffer, Offset = 0, Strides = [4, 1] };
        Bindings four = new(4, 1, 1, 1);
        Argument second = whole with { Offset = 64 };
        OpRunner.Check("launch", _stream.Launch(kernel, four, [whole, second], null, 0));
        (Bindings Bindings, Argument[] Arguments, string Expected)[] refused =
        [
            (four, [whole with { Buffer = null }, second], "operand 0"), (four, [whole, second with { Offset = 65 }], "result 0"),
            (four, [whole, second with { Offset = -1 }], "result 0"), (four, [whole with { Offset = long.MaxValue }, second], "operand 0"),
            (four with { T = 0 }, [whole, second], "dimension of 0"), (four with { T = 9 }, [whole, second], "exceed the maxima"),
            (four with { T = -1 }, [whole, second], "exceed the maxima"), (four, [whole], "1 arguments"),
        ];
        foreach ((Bindings bindings, Argument[] arguments, string expected) in refused)
        {
            Status status = _stream.Launch(kernel, bindings, arguments, null, 0);
            Assert.Equal(StatusCode.InvalidArgument, status.Code);
            Assert.Contains(expected, status.Message, StringComparison.Ordinal);
        }

        kernel.Dispose();
        Assert.Contains("released", _stream.Launch(kernel, four, [whole, second], null, 0).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(long.MaxValue)]
    [InlineData(31)]
    [InlineData(-4)]
    public void Launch_refuses_strides_that_leave_the_buffer(long stride)
    {
        IKernel kernel = Prepare(s_silu with { Operands = [s_silu.Operands[0] with { Strided = true }] });
        using IBuffer buffer = Allocate(128);
        using IBuffer result = Allocate(128);
        Argument[] arguments = [new() { Buffer = buffer, Strides = [stride, 1] }, new() { Buffer = result, Strides = [4, 1] }];
        Status status = _stream.Launch(kernel, new(2, 1, 1, 1), arguments, null, 0);
        Assert.Equal(StatusCode.InvalidArgument, status.Code);
        kernel.Dispose();
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(5)]
    public void Launch_refuses_an_index_out_of_range_and_names_op_and_index(int index)
    {
        TestTensor table = Data.Floats(1, 5, 3);
        TestTensor at = TestTensor.Of([2, index], 2);
        TestTensor experts = Data.Floats(1, 5, 2, 3);
        Refused(() => OpRunner.Run(_device, GatherRows.Instance, [table, at]));
        Refused(() => OpRunner.Run(_device, ScatterRows.Instance, [table.AsState(), at, Data.Floats(2, 2, 3)]));
        TestTensor pairs = TestTensor.Of([2, index], 1, 2);
        Refused(() => OpRunner.Run(_device, MatMul.Instance, [Data.Floats(3, 1, 3), experts, pairs], new(("accumulate", "f32"))));
        TestTensor[] weights = [experts, experts, Data.Floats(1, 5, 3, 2)];
        Refused(() => OpRunner.Run(_device, MoeFfn.Instance, [Data.Floats(3, 1, 3), Data.Floats(4, 1, 2), pairs, .. weights]));

        void Refused(Action run)
        {
            StatusException e = Assert.Throws<StatusException>(run);
            Assert.Equal(StatusCode.InvalidArgument, e.Status.Code);
            Assert.Contains($"index {index} at 1", e.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Launch_turns_an_exception_in_a_worker_into_a_status_and_the_device_goes_on()
    {
        using IBuffer buffer = Allocate(256);
        Argument[] arguments = [new() { Buffer = buffer, Strides = [4, 1] }, new() { Buffer = buffer, Offset = 128, Strides = [4, 1] }];
        foreach (int failing in (int[])[0, 1, 2])
        {
            using Faulty kernel = new(s_silu, _device.Pool, failing);
            Status status = _stream.Launch(kernel, new(8, 1, 1, 1), arguments, null, 0);
            Assert.Equal(StatusCode.LaunchFailed, status.Code);
            Assert.Contains($"worker {failing} was told to fail", status.Message, StringComparison.Ordinal);
        }

        using IKernel sound = Prepare(s_silu);
        OpRunner.Check("launch", _stream.Launch(sound, new(8, 1, 1, 1), arguments, null, 0));
    }

    [Fact]
    public void Launch_allocates_nothing_once_it_has_run()
    {
        using IKernel kernel = Prepare(s_silu);
        using IBuffer buffer = Allocate(256);
        Argument[] arguments = [new() { Buffer = buffer, Strides = [4, 1] }, new() { Buffer = buffer, Offset = 128, Strides = [4, 1] }];
        _stream.Launch(kernel, new(8, 1, 1, 1), arguments, null, 0);
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 100; i++)
        {
            _stream.Launch(kernel, new(8, 1, 1, 1), arguments, null, 0);
        }

        Assert.Equal(before, GC.GetAllocatedBytesForCurrentThread());
    }

    [Fact]
    public void Prepare_refuses_constants_that_do_not_fill_their_descriptor()
    {
        TestTensor weight = Data.Floats(1, 4, 3).AsConstant();
        OpDescriptor op = OpRunner.Describe(Linear.Instance, [Data.Floats(2, 2, 3), weight], Attributes.Empty, default);
        ConstantData Bytes(params long[] lengths) => new("w", ElementType.F32, [4, 3], [.. lengths.Select(l => new ByteRange(64, l))]);
        ConstantData?[] wrong =
        [
            null, Bytes(44), Bytes(24, 20), Bytes(20, 28), Bytes(), Bytes(48, 0), Bytes(48) with { Type = ElementType.I32 },
            Bytes(48) with { Shape = [3, 4] },
        ];
        foreach (ConstantData? constant in wrong)
        {
            Assert.Equal(StatusCode.InvalidArgument, _device.Prepare(op, [null, constant], out _).Code);
        }

        Assert.Equal(StatusCode.InvalidArgument, _device.Prepare(op, [Bytes(24), Bytes(48)], out _).Code);
        Assert.Equal(StatusCode.InvalidArgument, _device.Prepare(op, [null], out _).Code);
    }

    [Fact]
    public void Kernels_that_read_one_generated_constant_share_its_memory_until_the_last_is_released()
    {
        ConstantData tied = ConstantData.Generated("tied", ElementType.F32, [4, 3], new ConstantGenerator(1, 0, 1));
        TestTensor weight = Data.Floats(1, 4, 3).AsConstant();
        OpDescriptor product = OpRunner.Describe(Linear.Instance, [Data.Floats(2, 5, 3), weight], Attributes.Empty, default);
        OpDescriptor linear = OpRunner.Describe(Linear.Instance, [Data.Floats(2, 2, 3), weight], Attributes.Empty, default);
        OpRunner.Check("linear", _device.Prepare(product, [null, tied], out IKernel? first));
        OpRunner.Check("linear", _device.Prepare(linear, [null, tied], out IKernel? second));
        Assert.Equal(tied.Bytes, _device.Constants.Bytes);
        Assert.Equal(StatusCode.InvalidArgument, _device.Prepare(linear, [null, tied with { Shape = [3, 4] }], out _).Code);
        first!.Dispose();
        Assert.Equal(tied.Bytes, _device.Constants.Bytes);
        second!.Dispose();
        second.Dispose();
        Assert.Equal(0, _device.Constants.Bytes);
    }

    [Fact]
    public void Copy_and_fill_stay_inside_their_buffers()
    {
        using IBuffer a = Allocate(64);
        IBuffer b = Allocate(32);
        OpRunner.Check("fill", _stream.Fill(a, 4, 8, 0xDEADBEEF));
        OpRunner.Check("copy", _stream.Copy(b, 1, a, 4, 31));
        Assert.Equal(StatusCode.InvalidArgument, _stream.Copy(b, 2, a, 4, 31).Code);
        Assert.Equal(StatusCode.InvalidArgument, _stream.Copy(b, 0, a, 60, 5).Code);
        Assert.Equal(StatusCode.InvalidArgument, _stream.Copy(b, 0, a, -1, 5).Code);
        Assert.Equal(StatusCode.InvalidArgument, _stream.Fill(a, 60, 8, 0).Code);
        Assert.Equal(StatusCode.InvalidArgument, _stream.Fill(a, 2, 8, 0).Code);
        b.Dispose();
        b.Dispose();
        Assert.Equal(StatusCode.InvalidArgument, _stream.Copy(b, 0, a, 0, 1).Code);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4, 0)]
    [InlineData(4096, 12)]
    public void A_large_fill_with_zeros_leaves_all_else_as_it_was(int before, int after)
    {
        const int Bytes = (3 << 20) + 40;
        using CpuBuffer buffer = new(before + Bytes + after);
        OpRunner.Check("fill", _stream.Fill(buffer, 0, buffer.Bytes, 0x01020304));
        OpRunner.Check("fill", _stream.Fill(buffer, before, Bytes, 0));
        unsafe
        {
            ReadOnlySpan<int> words = new(buffer.Data, (before + Bytes + after) / sizeof(int));
            Assert.Equal(-1, words[..(before / 4)].IndexOfAnyExcept(0x01020304));
            Assert.Equal(-1, words[(before / 4)..((before + Bytes) / 4)].IndexOfAnyExcept(0));
            Assert.Equal(-1, words[((before + Bytes) / 4)..].IndexOfAnyExcept(0x01020304));
        }
    }

    [Fact]
    public void Allocate_of_more_than_there_can_be_says_out_of_memory()
    {
        Assert.Equal(StatusCode.OutOfMemory, _device.Allocate(MemoryKind.Device, long.MaxValue / 2, out IBuffer? buffer).Code);
        Assert.Null(buffer);
        Assert.Equal(StatusCode.InvalidArgument, _device.Allocate(MemoryKind.Device, 0, out _).Code);
    }

    [Fact]
    public void Dispose_of_a_device_twice_is_harmless_and_later_work_is_refused()
    {
        CpuDevice device = new(4, smallestShare: 1);
        device.Dispose();
        device.Dispose();
        Assert.Throws<ObjectDisposedException>(() => device.Pool.Run((_, _, _) => { }, 8, 1));
        Assert.Equal(StatusCode.InvalidArgument, device.Prepare(s_silu, [null], out _).Code);
    }

    [Fact]
    public void Run_does_every_unit_once_however_often_it_is_called_and_however_many_threads_there_are()
    {
        using WorkerPool pool = new(7, smallestShare: 1);
        int[] done = new int[100];
        Work work = (_, begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                done[i]++;
            }
        };
        const int Rounds = 3000;
        for (int round = 0; round < Rounds; round++)
        {
            pool.Run(work, 1 + (round % 100), 1);
        }

        Assert.Equal([.. Enumerable.Range(0, 100).Select(i => Rounds / 100 * (100 - i))], done);
    }

    [Fact]
    public void Run_goes_on_without_a_worker_that_is_held_up_and_waits_for_what_it_has_begun()
    {
        using WorkerPool pool = new(2, smallestShare: 1);
        using ManualResetEventSlim begun = new();
        int[] done = new int[64];
        long left = done.Length;
        long held = 0;
        Work work = (worker, begin, end) =>
        {
            for (long i = begin; i < end; i++)
            {
                done[i]++;
            }

            if (worker == 1)
            {
                // Held up in its first run until the caller has done all others.
                held = end - begin;
                begun.Set();
                SpinWait.SpinUntil(() => Interlocked.Read(ref left) == end - begin);
            }
            else
            {
                begun.Wait();
            }

            Interlocked.Add(ref left, begin - end);
        };
        pool.Run(work, done.Length, 1);
        Assert.Equal(0, left);
        Assert.All(done, d => Assert.Equal(1, d));
        Assert.InRange(held, 1, done.Length / 8);
    }

    private IKernel Prepare(OpDescriptor op)
    {
        OpRunner.Check("prepare", _device.Prepare(op, new ConstantData?[op.Operands.Length], out IKernel? kernel));
        return kernel!;
    }

    private IBuffer Allocate(long bytes)
    {
        OpRunner.Check("allocate", _device.Allocate(MemoryKind.Device, bytes, out IBuffer? buffer));
        return buffer!;
    }

    /// <summary>Three units, each of which waits for the two others, so that each worker has one.</summary>
    private sealed class Faulty : CpuKernel
    {
        private readonly Work _work;
        private readonly Barrier _all = new(3);

        public Faulty(OpDescriptor op, WorkerPool pool, int failing)
            : base(op, [null], pool) => _work = (worker, _, _) =>
            {
                _all.SignalAndWait();
                if (worker == failing)
                {
                    throw new InvalidOperationException($"worker {worker} was told to fail");
                }
            };

        public override void Dispose()
        {
            base.Dispose();
            _all.Dispose();
        }

        protected override Status Run(in Bindings bindings)
        {
            Pool.Run(_work, 3, 1);
            return Status.Ok;
        }
    }
}
