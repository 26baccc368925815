namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>out[i.., :] = table[index[i..], :] as f32.</summary>
internal static class GatherRowsKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor table, Tensor index, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Results[0]);
        Tensor entry = table.First();
        Span<double> values = launch.Scratch.Doubles(0, table.Width);
        for (long i = 0; i < index.Count; i++)
        {
            long at = launch.Index(index, index.Item(i), table.Dims[0], "the index") * table.Strides[0];
            for (long row = 0; row < entry.Rows; row++)
            {
                table.Read(at + entry.Row(row), values);
                result.Write(result.Row((i * entry.Rows) + row), values);
            }
        }
    }
}
