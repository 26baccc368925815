using HeteroQwen.Backends.Cpu.Panels;

namespace HeteroQwen.Backends.Cpu.Emission;

/// <summary>Products of two BF16 panels with up to 32 rows of BF16 activations on the tiles of AMX, for one K.</summary>
internal sealed unsafe class TileKernels(long length) : PairKernels, IDisposable
{
    private readonly KernelSet _kernels = new((a, rows) => TileKernel.Emit(a, length, rows), TileKernel.MostRows);

    public override int MostRows => _kernels.MostRows;

    /// <summary><see cref="ProductCall.Spill"/> is the worker's own.</summary>
    /// <exception cref="InvalidOperationException">Tiles do not work on this thread.</exception>
    public override void Run(int rows, ProductCall* call)
    {
        TileThread.Prepare();
        _kernels.Run(rows, call);
    }

    public void Dispose() => _kernels.Dispose();
}
