using System.Collections.Immutable;
using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// A kernel that packs weights. A worker's scratch is laid out as: memory of the products | what the kernel asks for. What a constructor
/// takes is released if it throws later, as long as it is taken by the members here.
/// </summary>
internal abstract unsafe class PackedKernel : CpuKernel
{
    private readonly List<IDisposable> _owned = [];
    private ulong _vectors;
    private long _ownedBytes;
    private long _productBytes;

    protected PackedKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool, ulong ignores = 0)
        : base(op, constants, pool, 0, ignores) =>
        Weights = [.. op.Operands.Select((_, i) => KernelTable.Packs(op, i) ? Own(() => PackedWeight.Of(constants[i]!, pool), w => w.Bytes) : null)];

    /// <summary>The packed weights, in the places of their operands.</summary>
    protected PackedWeight?[] Weights { get; }

    public override void Dispose()
    {
        base.Dispose();
        _owned.ForEach(o => o.Dispose());
        _owned.Clear();
    }

    /// <summary>The weight of a norm or a bias as f32.</summary>
    protected NormWeight OwnVector(int operand)
    {
        _vectors |= 1UL << operand;
        return Own(() => new NormWeight(Operands[operand], Op.Operands[operand]), w => w.Bytes);
    }

    /// <summary>What is made, or all that was taken before is released.</summary>
    protected T Guarded<T>(Func<T> make)
    {
        try
        {
            return make();
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>What the kernel says of itself once it has its weights and vectors.</summary>
    protected KernelInfo PackedInfo(ImmutableArray<(int Operand, int Result)> inPlace)
    {
        bool keeps = Operands.Where((o, i) => (_vectors & (1UL << i)) == 0 && o.KeepsHostBytes).Any();
        return Info with { InPlace = inPlace, KeepsHostConstants = keeps, ConstantBytes = checked(Info.ConstantBytes + _ownedBytes) };
    }

    /// <summary>Sees to it that a worker has memory for the products and so much more.</summary>
    protected void EnsureScratch(long bytes)
    {
        _productBytes = Aligned(Weights.Max(w => w?.Product.ScratchBytes ?? 0));
        Guarded(() =>
        {
            Pool.EnsureScratch(checked(_productBytes + bytes));
            return bytes;
        });
    }

    /// <summary>The part of a worker's memory that is the kernel's own.</summary>
    protected byte* OwnScratch(int worker) => (byte*)Pool.Scratch(worker) + _productBytes;

    protected byte* ProductScratch(int worker) => (byte*)Pool.Scratch(worker);

    /// <summary>Rounded up to whole lines of the cache.</summary>
    internal static long Aligned(long bytes) => checked(bytes + CpuBuffer.Alignment - 1) / CpuBuffer.Alignment * CpuBuffer.Alignment;

    private T Own<T>(Func<T> make, Func<T, long> bytes)
        where T : IDisposable
    {
        T owned = Guarded(make);
        _owned.Add(owned);
        _ownedBytes += bytes(owned);
        return owned;
    }
}
