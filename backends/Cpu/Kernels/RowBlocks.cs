namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// Loads blocks of rows into a worker's scratch: four rows of weights, widened once and then used for every token, and two rows of
/// activations.
/// </summary>
internal static unsafe class RowBlocks
{
    /// <summary>Multiply-adds in a nanosecond, to weigh work.</summary>
    public const long ProductsPerCost = 8;

    private const long Lane = CpuBuffer.Alignment / sizeof(float);

    /// <summary>Bytes of scratch for rows of a length.</summary>
    /// <exception cref="OverflowException">They cannot be counted.</exception>
    public static long ScratchBytes(long length) => checked((RowBlock.Most + 2) * Padded(length) * sizeof(float));

    public static long Blocks(long rows) => (rows + RowBlock.Most - 1) / RowBlock.Most;

    /// <summary>The rows first .. first + count - 1, counted over all axes but the last.</summary>
    public static RowBlock Load(TensorView view, long first, int count, float* scratch)
    {
        RowBlock block = new() { Count = count };
        for (int i = 0; i < count; i++)
        {
            block[i] = view.FloatRow(first + i, scratch + (i * Padded(view.Last)));
        }

        return block;
    }

    /// <summary>Where in the scratch a row of activations is widened.</summary>
    public static float* Activation(float* scratch, long length, int i) => scratch + ((RowBlock.Most + i) * Padded(length));

    private static long Padded(long length) => checked(length + Lane - 1) / Lane * Lane;
}
