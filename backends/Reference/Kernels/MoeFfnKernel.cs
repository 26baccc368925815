namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>
/// out[t] = sum over j in order of weights[t, j] * down[e] . (silu(gate[e] . x[t]) * (up[e] . x[t])) with e = index[t, j].
/// </summary>
internal static class MoeFfnKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor weights, Tensor index, Tensor result) =
            (launch.Operands[0], launch.Operands[1], launch.Operands[2], launch.Results[0]);
        Span<double> row = launch.Scratch.Doubles(0, x.Width);
        Span<double> sums = launch.Scratch.Doubles(1, x.Width);
        for (long token = 0; token < x.Rows; token++)
        {
            x.Read(x.Row(token), row);
            sums.Clear();
            for (long j = 0; j < index.Dims[1]; j++)
            {
                long item = (token * index.Dims[1]) + j;
                long expert = launch.Index(index, index.Item(item), launch.Operands[3].Dims[0], "the index");
                AddExpert(launch, expert, weights.Value(weights.Item(item)), row, sums);
            }

            result.Write(result.Row(token), sums);
        }
    }

    private static void AddExpert(in Launch launch, long expert, double weight, ReadOnlySpan<double> row, Span<double> sums)
    {
        (Tensor gate, Tensor up, Tensor down) = (launch.Operands[3], launch.Operands[4], launch.Operands[5]);
        Span<double> column = launch.Scratch.Doubles(2, Math.Max(gate.Width, down.Width));
        Span<double> hidden = launch.Scratch.Doubles(3, down.Width);
        for (int f = 0; f < hidden.Length; f++)
        {
            double gated = Rows.Silu(Product(gate, expert, f, row, column));
            hidden[f] = gated * Product(up, expert, f, row, column);
        }

        for (int n = 0; n < sums.Length; n++)
        {
            sums[n] += weight * Product(down, expert, n, hidden, column);
        }
    }

    /// <summary>Row n of an expert's matrix times a vector.</summary>
    private static double Product(in Tensor experts, long expert, int n, ReadOnlySpan<double> vector, Span<double> column)
    {
        Span<double> matrixRow = column[..vector.Length];
        experts.Read((expert * experts.Strides[0]) + (n * experts.Strides[1]), matrixRow);
        return Rows.Dot(vector, matrixRow);
    }
}
