using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>The emitted kernels with <c>vpdpbusd</c> (AVX512-VNNI) for one weight type and one K.</summary>
internal sealed unsafe class EmittedIntegerTiles : IntegerTiles, IDisposable
{
    private readonly ExecutableMemory _code;
    private readonly delegate* unmanaged<ProductCall*, void>[] _tiled;
    private readonly delegate* unmanaged<ProductCall*, void>[] _direct;

    /// <exception cref="InsufficientMemoryException">The system has no memory for the code.</exception>
    /// <exception cref="OverflowException">Records of such a K are too long.</exception>
    public EmittedIntegerTiles(ElementType type, long length)
    {
        byte[][] functions =
        [
            .. Enumerable.Range(1, MostTiledRows).Select(rows => MachineCode.Assemble(a => TiledIntegerKernel.Emit(a, type, length, rows))),
            .. Enumerable.Range(1, MostDirectRows).Select(rows => MachineCode.Assemble(a => DirectIntegerKernel.Emit(a, type, length, rows))),
        ];
        _code = ExecutableMemory.Create(functions, out string? refusal) ?? throw new InsufficientMemoryException(refusal);
        _tiled = new delegate* unmanaged<ProductCall*, void>[MostTiledRows];
        _direct = new delegate* unmanaged<ProductCall*, void>[MostDirectRows];
        for (int i = 0; i < functions.Length; i++)
        {
            (i < _tiled.Length ? ref _tiled[i] : ref _direct[i - _tiled.Length]) =
                (delegate* unmanaged<ProductCall*, void>)_code.Function(i);
        }
    }

    public override int MostTiledRows => TiledIntegerKernel.MostRows;

    public override int MostDirectRows => DirectIntegerKernel.MostRows;

    public override void Tiled(int rows, ProductCall* call) => _tiled[rows - 1](call);

    public override void Direct(int rows, ProductCall* call) => _direct[rows - 1](call);

    public void Dispose() => _code.Dispose();
}
