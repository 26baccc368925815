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

    /// <summary>The same by any number of rows.</summary>
    /// <param name="rows">Number of rows.</param>
    /// <param name="call">The call for the first of them.</param>
    /// <param name="recordBytes">Bytes from one row's record to the next.</param>
    public void RunAll(int rows, ProductCall* call, long recordBytes)
    {
        for (int row = 0, taken; row < rows; row += taken)
        {
            taken = ProductCall.NextRows(rows - row, MostRows);
            Run(taken, call);
            call->Next(taken, recordBytes);
        }
    }
}
