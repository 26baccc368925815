namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>The k largest of each row, in descending order, and their indices.</summary>
internal static class TopKKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor values, Tensor indices) = (launch.Operands[0], launch.Results[0], launch.Results[1]);
        double[] row = new double[x.Width];
        for (long r = 0; r < x.Rows; r++)
        {
            x.Read(x.Row(r), row);
            (long valuesAt, long indicesAt) = (values.Row(r), indices.Row(r));
            foreach (long index in Rows.TopK(row, launch.Scratch.Integers(x.Width), values.Width))
            {
                values.Set(valuesAt, row[index]);
                indices.Set(indicesAt, index);
                valuesAt += values.Strides[^1];
                indicesAt += indices.Strides[^1];
            }
        }
    }
}
