using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>The emitted kernels of a device: made when the first product of a weight type and K is prepared, and kept.</summary>
internal sealed class EmittedKernels : IDisposable
{
    private readonly Dictionary<(ElementType Type, long Length), EmittedIntegerTiles> _integer = [];
    private readonly Dictionary<long, KernelSet> _brain = [];

    /// <summary>Products of a quantised type with int8 activations.</summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public IntegerTiles Integer(ElementType type, long length)
    {
        if (!_integer.TryGetValue((type, length), out EmittedIntegerTiles? tiles))
        {
            tiles = new EmittedIntegerTiles(type, length);
            _integer.Add((type, length), tiles);
        }

        return tiles;
    }

    /// <summary>
    /// Products of two BF16 panels, packed, with up to 12 rows of BF16 activations. Where there is but one panel, the second pointer
    /// repeats the first and its mask is 0.
    /// </summary>
    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public KernelSet Brain(long length)
    {
        if (!_brain.TryGetValue(length, out KernelSet? kernels))
        {
            kernels = new KernelSet((a, rows) => BrainKernel.Emit(a, length, rows), BrainKernel.MostRows);
            _brain.Add(length, kernels);
        }

        return kernels;
    }

    public void Dispose()
    {
        foreach (IDisposable kernels in _integer.Values.Concat<IDisposable>(_brain.Values))
        {
            kernels.Dispose();
        }

        _integer.Clear();
        _brain.Clear();
    }
}
