using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>A kernel that packs weights. A worker's scratch is laid out as: memory of the products | what the kernel asks for.</summary>
internal abstract unsafe class PackedKernel : CpuKernel
{
    private readonly List<IDisposable> _owned = [];
    private long _productBytes;

    protected PackedKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool, ulong ignores = 0)
        : base(op, constants, pool, 0, ignores)
    {
        Weights = new PackedWeight?[op.Operands.Length];
        Guarded(() =>
        {
            for (int i = 0; i < Weights.Length; i++)
            {
                Weights[i] = KernelTable.Packs(op, i) ? Own(PackedWeight.Of(constants[i]!, pool)) : null;
            }
        });
        OwnedBytes = Weights.Sum(w => w?.Bytes ?? 0);
    }

    /// <summary>The packed weights, in the places of their operands.</summary>
    protected PackedWeight?[] Weights { get; }

    /// <summary>Memory of the weights and vectors.</summary>
    protected long OwnedBytes { get; private set; }

    public override void Dispose()
    {
        base.Dispose();
        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
    }

    /// <summary>Runs a part of a constructor; what was taken before it throws is released.</summary>
    protected void Guarded(Action part)
    {
        try
        {
            part();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    protected T Own<T>(T owned)
        where T : IDisposable
    {
        _owned.Add(owned);
        return owned;
    }

    /// <summary>The weight of a norm or a bias, read where it lies.</summary>
    protected NormWeight OwnVector(int operand)
    {
        NormWeight weight = Own(new NormWeight(Operands[operand], Op.Operands[operand]));
        OwnedBytes += weight.Bytes;
        return weight;
    }

    /// <summary>Sees to it that a worker has memory for the products and so much more.</summary>
    protected void EnsureScratch(long bytes)
    {
        _productBytes = Aligned(Weights.Max(w => w?.Product.ScratchBytes ?? 0));
        Pool.EnsureScratch(checked(_productBytes + bytes));
    }

    /// <summary>The part of a worker's memory that is the kernel's own.</summary>
    protected byte* OwnScratch(int worker) => (byte*)Pool.Scratch(worker) + _productBytes;

    protected byte* ProductScratch(int worker) => (byte*)Pool.Scratch(worker);

    /// <summary>Rounded up to whole lines of the cache.</summary>
    protected static long Aligned(long bytes) => checked(bytes + CpuBuffer.Alignment - 1) / CpuBuffer.Alignment * CpuBuffer.Alignment;
}
