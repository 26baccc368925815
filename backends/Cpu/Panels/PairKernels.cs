namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Kernels of the products of two BF16 panels with some rows of BF16 activations, for one K. Where there is but one panel the second
/// pointer repeats the first and its mask is 0.
/// </summary>
internal abstract unsafe class PairKernels
{
    /// <summary>Largest number of rows of <see cref="Run"/>.</summary>
    public abstract int MostRows { get; }

    /// <summary>The panels <see cref="ProductCall.Codes0"/> and 1 by 1 .. <see cref="MostRows"/> rows.</summary>
    public abstract void Run(int rows, ProductCall* call);
}
