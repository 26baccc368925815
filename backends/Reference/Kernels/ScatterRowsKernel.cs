namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>state[index[i], ..] = rows[i, ..], cast to the state's type. Nothing is written unless all indices are in range.</summary>
internal static class ScatterRowsKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor index, Tensor rows, Tensor state) = (launch.Operands[1], launch.Operands[2], launch.Results[0]);
        Span<long> slots = launch.Scratch.Integers(index.Count);
        for (int i = 0; i < slots.Length; i++)
        {
            slots[i] = launch.Index(index, index.Item(i), state.Dims[0], "the index");
        }

        Tensor entry = state.First();
        Span<double> values = launch.Scratch.Doubles(0, rows.Width);
        for (int i = 0; i < slots.Length; i++)
        {
            for (long row = 0; row < entry.Rows; row++)
            {
                rows.Read(rows.Row((i * entry.Rows) + row), values);
                state.Write((slots[i] * state.Strides[0]) + entry.Row(row), values);
            }
        }
    }
}
