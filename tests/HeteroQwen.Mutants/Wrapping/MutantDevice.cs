using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Mutants;

/// <summary>The processor's device with one fault.</summary>
internal sealed unsafe class MutantDevice : IDevice
{
    private readonly Mutant _mutant;
    private readonly IDevice _inner;
    private readonly Fault _fault;

    public MutantDevice(Mutant mutant, IDevice inner, Action fire)
    {
        (_mutant, _inner, _fault) = (mutant, inner, mutant.Create());
        _fault.Fire = fire;
        Capabilities = _fault.Claims?.Invoke(inner.Capabilities) ?? inner.Capabilities;
        if (Capabilities != inner.Capabilities)
        {
            fire();
        }
    }

    public Capabilities Capabilities { get; }

    public Status Supports(OpDescriptor op, out Support support)
    {
        if (Opens(op))
        {
            support = Support.No("blocks are opened: a whole one would hide a fault of an op inside");
            return Status.Ok;
        }

        Status status = _inner.Supports(op, out support);
        Support claimed = _mutant.Concerns(op.Name) && _fault.Supports is { } change ? change(op, support) : support;
        if (claimed != support)
        {
            _fault.Fire();
        }

        support = claimed;
        return status;
    }

    public Status Prepare(OpDescriptor op, ConstantData?[] constants, out IKernel? kernel)
    {
        kernel = null;
        if (Opens(op))
        {
            return Status.Unsupported($"mutants: {op.Name} is opened");
        }

        if (!_mutant.Concerns(op.Name))
        {
            Status plain = _inner.Prepare(op, constants, out IKernel? untouched);
            kernel = untouched is null ? null : new MutantKernel(op, untouched, null, [], [], false);
            return plain;
        }

        if (_fault.Prepare?.Invoke(op) is { } refusal)
        {
            _fault.Fire();
            return refusal;
        }

        float[]?[] weights = [.. constants.Select(c => c is not null && _fault.ReadsWeights ? Values(c) : null)];
        List<nint> owned = [];
        ConstantData?[] packed = [.. constants.Select((c, i) => c is null ? null : Repack(op, i, c, owned))];
        OpDescriptor asked = _fault.Rewrite?.Invoke(op) ?? op;
        Status status = _inner.Prepare(asked, packed, out IKernel? inner);
        kernel = inner is null ? null : new MutantKernel(op, inner, _fault, weights, owned, !ReferenceEquals(asked, op));
        return status;
    }

    public Status Allocate(MemoryKind kind, long bytes, out IBuffer? buffer)
    {
        Status status = _fault.Allocate is { } allocate
            ? allocate(_inner)(kind, bytes, out buffer)
            : _inner.Allocate(kind, bytes, out buffer);
        buffer = buffer is null ? null : new MutantBuffer(buffer, _fault);
        return status;
    }

    public Status CreateStream(out IStream? stream)
    {
        Status status = _inner.CreateStream(out IStream? inner);
        MutantStream? plain = inner is null ? null : new MutantStream(inner, _inner, _fault);
        stream = plain is null || _fault.Stream is null ? plain : _fault.Stream(plain);
        return status;
    }

    public void Dispose() => _inner.Dispose();

    /// <summary>A fault of an op shows only where that op is a kernel of its own.</summary>
    private bool Opens(OpDescriptor op) => !_mutant.Concerns(op.Name) && OpCatalog.TryGet(op.Name, out OpDefinition? known) && known.Class == OpClass.Block;

    private ConstantData Repack(OpDescriptor op, int operand, ConstantData constant, List<nint> owned)
    {
        ConstantData taken = _fault.Constant?.Invoke(constant) ?? constant;
        if (!ReferenceEquals(taken, constant))
        {
            _fault.Fire();
        }

        if (_fault.Pack is not { } pack)
        {
            return taken;
        }

        nint copy = (nint)NativeMemory.AlignedAlloc((nuint)taken.Bytes, 64);
        owned.Add(copy);
        taken.Read(0, copy, taken.Bytes);
        Span<byte> bytes = new((void*)copy, checked((int)taken.Bytes));
        byte[] before = bytes.ToArray();
        pack(op, operand, bytes);
        if (!bytes.SequenceEqual(before))
        {
            _fault.Fire();
        }

        return new ConstantData($"{taken.Identity} spoilt", taken.Type, taken.Shape, [new ByteRange(copy, taken.Bytes)]);
    }

    private static float[] Values(ConstantData constant)
    {
        byte[] bytes = new byte[constant.Bytes];
        fixed (byte* to = bytes)
        {
            constant.Read(0, (nint)to, bytes.Length);
        }

        float[] values = new float[bytes.Length / constant.Type.BlockBytes() * constant.Type.BlockElements()];
        if (constant.Type.IsQuantized())
        {
            BlockFormats.Dequantize(constant.Type, bytes, values);
            return values;
        }

        fixed (byte* from = bytes)
        {
            for (int i = 0; i < values.Length; i++)
            {
                values[i] = Tensor.Load(constant.Type, from, i);
            }
        }

        return values;
    }
}

internal sealed unsafe class MutantKernel(
    OpDescriptor op, IKernel inner, Fault? fault, float[]?[] weights, List<nint> owned, bool rewritten) : IKernel
{
    public OpDescriptor Op => op;

    public IKernel Inner => inner;

    /// <summary>Null where the op is none that the mutant concerns.</summary>
    public Fault? Fault => fault;

    public float[]?[] Weights => weights;

    /// <summary>It was prepared as another op than the one asked for.</summary>
    public bool Rewritten => rewritten;

    /// <summary>In place only where a fault says so: hooks that run after a launch read its operands.</summary>
    public KernelInfo Info { get; } = fault?.Info?.Invoke(op, inner.Info) ?? inner.Info with { InPlace = ImmutableArray<(int, int)>.Empty };

    public Status Workspace(in Bindings bindings, out long bytes)
    {
        Status status = inner.Workspace(bindings, out bytes);
        bytes = fault?.Workspace?.Invoke(op, bindings, bytes) ?? bytes;
        return status;
    }

    public void Dispose()
    {
        fault?.ReleaseKernel?.Invoke(op);
        inner.Dispose();
        owned.ForEach(o => NativeMemory.AlignedFree((void*)o));
        owned.Clear();
    }
}

internal sealed class MutantBuffer(IBuffer inner, Fault fault) : IBuffer
{
    public IBuffer Inner => inner;

    public long Bytes => inner.Bytes;

    public nint HostAddress => inner.HostAddress;

    public void Dispose()
    {
        if (fault.Release is { } release)
        {
            release(inner);
        }
        else
        {
            inner.Dispose();
        }
    }
}

/// <summary>A buffer that says that the host cannot reach it.</summary>
internal sealed class HiddenBuffer(IBuffer inner) : IBuffer
{
    public IBuffer Inner => inner;

    public long Bytes => inner.Bytes;

    public nint HostAddress => 0;

    public void Dispose() => inner.Dispose();
}
