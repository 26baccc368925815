using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>The emitted kernels with <c>vpdpbusd</c> (AVX512-VNNI) for one weight type and one K.</summary>
internal sealed unsafe class EmittedIntegerTiles(ElementType type, long length) : IntegerTiles, IDisposable
{
    private readonly KernelSet _tiled = new((a, rows) => TiledIntegerKernel.Emit(a, type, length, rows), TiledIntegerKernel.MostRows);
    private readonly KernelSet _direct = new((a, rows) => DirectIntegerKernel.Emit(a, type, length, rows), DirectIntegerKernel.MostRows);

    public override int MostTiledRows => TiledIntegerKernel.MostRows;

    public override int MostDirectRows => DirectIntegerKernel.MostRows;

    public override void Tiled(int rows, ProductCall* call) => _tiled.Run(rows, call);

    public override void Direct(int rows, ProductCall* call) => _direct.Run(rows, call);

    public void Dispose()
    {
        _tiled.Dispose();
        _direct.Dispose();
    }
}
