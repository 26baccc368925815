namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>
/// Products with B transposed: out[m, n] = sum over k of a[m, k] b[n, k]. matmul plain, grouped and indexed, and linear, whose bias is
/// added before the one rounding.
/// </summary>
internal static class MatMulKernel
{
    /// <summary>Rows of A that are held in f64 at a time, so that a row of B is read once for all of them.</summary>
    private const int BlockRows = 64;

    public static void Run(in Launch launch)
    {
        if (launch.Operands.Length == 3)
        {
            RunIndexed(launch);
            return;
        }

        (Tensor a, Tensor b, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Results[0]);
        long batches = a.Product(0, a.Rank - 2);
        for (long batch = 0; batch < batches; batch++)
        {
            (long aAt, long bAt, long resultAt, long rest) = (0, 0, 0, batch);
            for (int axis = a.Rank - 3; axis >= 0; axis--)
            {
                (rest, long i) = Math.DivRem(rest, a.Dims[axis]);
                aAt += i * a.Strides[axis];
                bAt += i / (a.Dims[axis] / b.Dims[axis]) * b.Strides[axis];
                resultAt += i * result.Strides[axis];
            }

            Multiply(launch, (a, aAt), (b, bAt), [], (result, resultAt));
        }
    }

    public static void RunLinear(in Launch launch)
    {
        Span<double> bias = launch.Operands.Length == 2 ? [] : launch.Scratch.Doubles(2, launch.Operands[2].Width);
        if (!bias.IsEmpty)
        {
            launch.Operands[2].Read(0, bias);
        }

        Multiply(launch, (launch.Operands[0], 0), (launch.Operands[1], 0), bias, (launch.Results[0], 0));
    }

    /// <summary>The product of the matrices, the last two axes, that begin at the offsets.</summary>
    private static void Multiply(
        in Launch launch, (Tensor Tensor, long At) a, (Tensor Tensor, long At) b, ReadOnlySpan<double> bias,
        (Tensor Tensor, long At) result)
    {
        int depth = a.Tensor.Width;
        Span<double> column = launch.Scratch.Doubles(0, depth);
        (long aStride, long bStride) = (a.Tensor.Strides[^2], b.Tensor.Strides[^2]);
        long rows = a.Tensor.Dims[^2];
        for (long first = 0; first < rows; first += BlockRows)
        {
            int count = (int)Math.Min(BlockRows, rows - first);
            Span<double> block = launch.Scratch.Doubles(1, (long)count * depth);
            for (int m = 0; m < count; m++)
            {
                a.Tensor.Read(a.At + ((first + m) * aStride), block.Slice(m * depth, depth));
            }

            for (int n = 0; n < b.Tensor.Dims[^2]; n++)
            {
                b.Tensor.Read(b.At + (n * bStride), column);
                long at = result.At + (first * result.Tensor.Strides[^2]) + (n * result.Tensor.Strides[^1]);
                for (int m = 0; m < count; m++, at += result.Tensor.Strides[^2])
                {
                    double sum = Rows.Dot(block.Slice(m * depth, depth), column);
                    result.Tensor.Set(at, bias.IsEmpty ? sum : sum + bias[n]);
                }
            }
        }
    }

    /// <summary>out[t, j, :] = a[t(, j), :] . b[index[t, j]]^T.</summary>
    private static void RunIndexed(in Launch launch)
    {
        (Tensor a, Tensor b, Tensor index, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Operands[2], launch.Results[0]);
        Span<double> row = launch.Scratch.Doubles(0, a.Width);
        Span<double> column = launch.Scratch.Doubles(1, a.Width);
        Span<double> sums = launch.Scratch.Doubles(2, result.Width);
        for (long i = 0; i < index.Count; i++)
        {
            long expert = launch.Index(index, index.Item(i), b.Dims[0], "the index");
            a.Read(a.Row(a.Rank == 3 ? i : i / index.Dims[1]), row);
            for (int n = 0; n < sums.Length; n++)
            {
                b.Read((expert * b.Strides[0]) + (n * b.Strides[1]), column);
                sums[n] = Rows.Dot(row, column);
            }

            result.Write(result.Row(i), sums);
        }
    }
}
