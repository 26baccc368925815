using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>The emitted kernels of a device: made when the first product of a weight type and K is prepared, and kept.</summary>
internal sealed class EmittedKernels : IDisposable
{
    private readonly Dictionary<(ElementType Type, long Length), EmittedIntegerTiles> _integer = [];
    private readonly Dictionary<long, KernelSet> _brain = [];
    private readonly Dictionary<long, TileKernels> _tiles = [];

    /// <summary>Products of a quantised type with int8 activations.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public IntegerTiles Integer(ElementType type, long length) => Held(_integer, (type, length), () => new EmittedIntegerTiles(type, length));

    /// <summary>Products of BF16 panels, with <c>vdpbf16ps</c>.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public PairKernels Brain(long length) =>
        Held(_brain, length, () => new KernelSet((a, rows) => BrainKernel.Emit(a, length, rows), BrainKernel.MostRows));

    /// <summary>Products of BF16 panels with many rows, on tiles; only in the tier <c>amx</c>.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public PairKernels Tiles(long length) => Held(_tiles, length, () => new TileKernels(length));

    public void Dispose()
    {
        foreach (IDisposable kernels in _integer.Values.Concat<IDisposable>(_brain.Values).Concat(_tiles.Values))
        {
            kernels.Dispose();
        }

        _integer.Clear();
        _brain.Clear();
        _tiles.Clear();
    }

    private static T Held<TKey, T>(Dictionary<TKey, T> held, TKey key, Func<T> make)
        where TKey : notnull
    {
        if (!held.TryGetValue(key, out T? kernels))
        {
            kernels = make();
            held.Add(key, kernels);
        }

        return kernels;
    }
}
