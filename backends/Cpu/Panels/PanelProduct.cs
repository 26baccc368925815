using HeteroQwen.Backends.Cpu.Emission;
using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// y[t, n] = sum over k of x[t, k] w[n, k] for one packed matrix: the one door to all products with weights in <c>fast</c>, whatever
/// the weight's type and the tier. A row's bits depend on that row and the weights alone: rows are taken several at a time, but each
/// sum runs over k in order, blocks of 32 as integers first where the activations are int8:
/// <code>
/// dot  = sum of code_x (code_w - offset)                     (i32, exact)
/// acc  = fma((f32) dot, step * scale_x, acc)                 per group of 32 (Q6_K: of 16), in order
/// acc  = fma(-min, shift_x, acc)                             Q4_K, after its group's dot
/// </code>
/// so that every tier gives the same bits where activations are int8.
/// </summary>
internal abstract unsafe class PanelProduct
{
    /// <summary>The product with a packed matrix: its kernels are the best of the tier.</summary>
    /// <param name="matrix">The weights.</param>
    /// <param name="tier">A tier that runs here.</param>
    /// <param name="emitted">Keeps the emitted kernels that the product uses, longer than the product.</param>
    public static PanelProduct Create(PackedMatrix matrix, CpuTier tier, EmittedKernels emitted)
    {
        PanelProduct product =
            matrix.Type.IsQuantized() ? new IntegerProduct(matrix, Integer(matrix, tier, emitted))
            : tier.IsEmitted() && BrainProduct.Takes(matrix.Type) ? new BrainProduct(matrix, emitted.Brain(matrix.Length))
            : FloatProduct.Create(matrix, tier);
        return tier == CpuTier.Amx && TileProduct.Takes(matrix.Type)
            ? new TileProduct(matrix, product, emitted.Tiles(matrix.Length))
            : product;
    }

    /// <summary>The form in which a launch with so many rows reads its activations.</summary>
    public abstract ActivationForm Form(int rows);

    /// <summary>Memory of a worker that <see cref="Run"/> needs.</summary>
    public abstract long ScratchBytes { get; }

    /// <summary>Computes the columns of the panels first .. first + count - 1 for all rows of x.</summary>
    /// <param name="x">Activations in the form that <see cref="Form"/> named for the launch's number of rows.</param>
    /// <param name="matrix">Which of the packed matrices (experts); 0 where there is one.</param>
    /// <param name="first">First panel.</param>
    /// <param name="count">Number of panels.</param>
    /// <param name="y">y[0, 16 first].</param>
    /// <param name="yStride">Elements from one row of y to the next.</param>
    /// <param name="scratch">The worker's memory, aligned to 64 bytes.</param>
    public abstract void Run(in ActivationRows x, long matrix, long first, int count, float* y, long yStride, byte* scratch);

    private static IntegerTiles Integer(PackedMatrix matrix, CpuTier tier, EmittedKernels emitted) => tier.IsEmitted()
        ? emitted.Integer(matrix.Type, matrix.Length)
        : PortableTiles.Create(matrix.Type, matrix.Length, tier);
}
