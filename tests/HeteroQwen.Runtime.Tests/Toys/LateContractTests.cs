using HeteroQwen.Backends;
using HeteroQwen.Backends.Reference;
using HeteroQwen.Ir;
using HeteroQwen.ToyBackends;

namespace HeteroQwen.Runtime.Tests.Toys;

/// <summary>The late device sees every breach of the contract that it is there to see.</summary>
public sealed class LateContractTests : IDisposable
{
    private readonly LateRig _rig = new();
    private readonly IBuffer _host;
    private readonly IBuffer _buffer;
    private readonly Argument[] _arguments;

    public LateContractTests()
    {
        _host = _rig.Allocate(MemoryKind.PinnedHost, 4096);
        LateRig.Bytes(_host).Clear();
        (_buffer, _arguments) = _rig.Arguments(_host);
    }

    public void Dispose() => _rig.Dispose();

    [Fact]
    public void Launch_adds_late_and_leaves_nan_in_padding_and_tail()
    {
        IBuffer back = _rig.Allocate(MemoryKind.PinnedHost, 1024);
        LateRig.Floats(_host).Fill(1.5f);
        LateRig.Bytes(back).Clear();
        Assert.True(_rig.Stream.Copy(_buffer, 0, _host, 0, 4096).IsOk);
        Assert.True(_rig.Launch(_buffer, _arguments).IsOk);
        Assert.True(_rig.Stream.Copy(back, 0, _buffer, 2048, 1024).IsOk);
        Assert.True(_rig.Stream.Record(out ulong ticket).IsOk);
        Assert.All(LateRig.Floats(back).ToArray(), v => Assert.True(float.IsNaN(v), "what is not there yet can be read"));
        Assert.True(_rig.Stream.Wait(ticket).IsOk);

        float[] result = LateRig.Floats(back).ToArray();
        for (int i = 0; i < result.Length; i++)
        {
            bool isElement = i < 2 * LateRig.Pitch && i % LateRig.Pitch < LateRig.Width;
            Assert.Equal(isElement ? 3 : i < 2 * LateRig.Pitch ? float.NaN : 1.5f, result[i]);
        }

        Assert.Empty(_rig.Backend.Violations);
    }

    [Fact]
    public void Query_says_that_work_is_not_complete_before_it_is()
    {
        _rig.Launch(_buffer, _arguments);
        _rig.Stream.Record(out ulong ticket);
        bool complete = true;
        lock (_rig.Inner)
        {
            Assert.True(_rig.Stream.Query(ticket, out complete).IsOk);
        }

        Assert.False(complete);
        _rig.Stream.Synchronize();
        _rig.Stream.Query(ticket, out complete);
        Assert.True(complete);
    }

    [Fact]
    public void Copy_with_a_buffer_of_another_device_is_a_breach()
    {
        new ReferenceBackend().Open(0, Attributes.Empty, out IDevice? other);
        other!.Allocate(MemoryKind.Device, 64, out IBuffer? foreign);
        Assert.True(_rig.Stream.Copy(_buffer, 0, foreign!, 0, 64).IsOk);
        _rig.RequireBreach("not between buffers of this device");
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(4064, 64)]
    [InlineData(-4, 8)]
    public void Copy_of_nothing_or_outside_a_buffer_is_a_breach(long offset, long bytes)
    {
        _rig.Stream.Copy(_buffer, offset, _host, 0, bytes);
        _rig.RequireBreach($"{bytes} bytes from 0");
    }

    [Fact]
    public void Pinned_memory_that_changes_before_it_is_copied_is_a_breach()
    {
        _rig.Stream.Copy(_buffer, 0, _host, 0, 64);
        LateRig.Bytes(_host)[63]++;
        _rig.Stream.Synchronize();
        Assert.Contains(_rig.Backend.Violations, v => v.Contains("changed before they were copied", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(0, "a dimension is 0")]
    [InlineData(5, "they exceed T=4")]
    public void Bindings_that_are_empty_or_beyond_the_maxima_are_a_breach(long rows, string what)
    {
        _rig.Launch(_buffer, _arguments, rows);
        _rig.RequireBreach(what);
    }

    [Fact]
    public void Argument_at_an_odd_offset_is_a_breach()
    {
        _arguments[1].Offset += 64;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach("operand 1 starts at 1088");
    }

    [Fact]
    public void Argument_with_the_wrong_pitch_is_a_breach()
    {
        _arguments[2].Strides[0] = LateRig.Width;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach("result 0 has strides 5, 1");
    }

    [Fact]
    public void Argument_that_reaches_beyond_its_buffer_is_a_breach()
    {
        _arguments[2].Buffer = _rig.Allocate(MemoryKind.Device, 64);
        _arguments[2].Offset = 0;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach("result 0 reaches beyond its buffer");
    }

    [Fact]
    public void Absent_argument_is_a_breach()
    {
        _arguments[1].Buffer = null;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach("operand 1 is absent");
    }

    [Fact]
    public void Missing_host_bytes_are_a_breach()
    {
        _arguments[0].HostBytes = 0;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach("operand 0 has no host bytes");
    }

    [Theory]
    [InlineData(false, 1)]
    [InlineData(true, 0)]
    public void Host_bytes_that_change_before_the_event_are_a_breach(bool afterRecord, int breaches)
    {
        _rig.Launch(_buffer, _arguments);
        _rig.Stream.Record(out ulong ticket);
        if (afterRecord)
        {
            _rig.Stream.Wait(ticket);
        }

        LateRig.Bytes(_host)[0]++;
        _rig.Stream.Synchronize();
        Assert.Equal(breaches, _rig.Backend.Violations.Count);
    }

    [Theory]
    [InlineData(0, "overlaps operand 0")]
    [InlineData(1024, "overlaps operand 1")]
    [InlineData(3072, "overlaps the workspace")]
    public void Result_that_overlaps_something_is_a_breach(long offset, string what)
    {
        _arguments[2].Offset = offset;
        _rig.Launch(_buffer, _arguments);
        _rig.RequireBreach(what);
    }

    [Fact]
    public void Launch_without_workspace_is_a_breach()
    {
        _rig.Stream.Launch(_rig.Kernel, new(2, 1, 1, 1), _arguments, null, 0);
        _rig.RequireBreach("no workspace");
    }

    [Fact]
    public void Release_while_work_is_pending_is_a_breach_and_after_it_is_not()
    {
        _rig.Launch(_buffer, _arguments);
        _rig.Stream.Synchronize();
        _rig.Kernel.Dispose();
        Assert.Empty(_rig.Backend.Violations);
        _rig.Stream.Copy(_buffer, 0, _host, 0, 64);
        _buffer.Dispose();
        Assert.Contains(_rig.Backend.Violations, v => v.Contains("is pending", StringComparison.Ordinal));
    }

    [Fact]
    public void Second_release_is_a_breach()
    {
        _rig.Kernel.Dispose();
        _rig.Kernel.Dispose();
        Assert.Contains("the kernel of binary is released twice", _rig.Backend.Violations);
    }

    [Theory]
    [InlineData(0)]
    [InlineData((64 << 20) + 1)]
    public void Buffer_of_no_bytes_or_too_many_is_a_breach(long bytes)
    {
        Assert.False(_rig.Device.Allocate(MemoryKind.Device, bytes, out _).IsOk);
        Assert.Single(_rig.Backend.Violations);
    }

    [Fact]
    public void Calls_of_two_threads_at_once_are_a_breach()
    {
        using ManualResetEventSlim inside = new(), leave = new();
        bool Linger(OpDescriptor op)
        {
            inside.Set();
            leave.Wait(TestContext.Current.CancellationToken);
            return true;
        }

        using LateRig rig = new(new LateOptions { Runs = Linger });
        Thread other = new(() => rig.Device.Supports(LateRig.Add, out _));
        other.Start();
        inside.Wait(TestContext.Current.CancellationToken);
        rig.Allocate(MemoryKind.Device, 64);
        leave.Set();
        other.Join();
        Assert.Equal(["allocate: another thread is inside the device"], rig.Backend.Violations);
    }
}
