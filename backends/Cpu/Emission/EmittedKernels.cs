using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>The emitted kernels of a device: made when the first product of a weight type and K is prepared, and kept.</summary>
internal sealed class EmittedKernels : IDisposable
{
    private readonly Dictionary<(ElementType Type, long Length), EmittedIntegerTiles> _integer = [];

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

    public void Dispose()
    {
        foreach (EmittedIntegerTiles tiles in _integer.Values)
        {
            tiles.Dispose();
        }

        _integer.Clear();
    }
}
