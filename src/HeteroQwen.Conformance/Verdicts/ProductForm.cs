using HeteroQwen.Backends;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>
/// matmul, plain, grouped or indexed, linear, and reduce sum as one thing: element i of the result is the sum over k below K of
/// A[a(i) + k] B[b(i) + k], plus a bias.
/// </summary>
/// <param name="A">Rows of K.</param>
/// <param name="B">Rows of K; ones for a sum.</param>
/// <param name="AIsWeight">A is a constant.</param>
/// <param name="BIsWeight">B is a constant.</param>
/// <param name="IsSum">B is ones that no device reads.</param>
/// <param name="K">Terms of a sum.</param>
/// <param name="At">Where the rows of element i begin.</param>
/// <param name="Dims">Dimensions of the result.</param>
/// <param name="Bias">Added to column i of each row; empty for none.</param>
internal sealed record ProductForm(
    double[] A, double[] B, bool AIsWeight, bool BIsWeight, bool IsSum, int K, Func<long, (long A, long B)> At, long[] Dims, double[] Bias)
{
    public long Elements => Plain.Product(Dims);

    public static bool Is(string op, Ir.Attributes attributes) =>
        op is "matmul" or "linear" || (op == "reduce" && attributes.Text("kind") == "sum");

    public static ProductForm Of(string op, IReadOnlyList<Plain> operands, Ir.Attributes attributes) => op switch
    {
        "reduce" => Sum(operands[0], (int)attributes.Int64("axis")),
        "linear" => Matrix(operands[0], operands[1], operands.Count > 2 ? operands[2].Values : []),
        _ => operands.Count == 3 ? Indexed(operands[0], operands[1], operands[2]) : Batched(operands[0], operands[1]),
    };

    /// <summary>The operands as the declared rounding leaves them.</summary>
    public ProductForm Rounded(Numerics numerics)
    {
        double[] a = [.. A];
        double[] b = [.. B];
        FloatRounding.RoundRows(a, K, AIsWeight ? numerics.Weights : numerics.Operands, numerics.FlushesSubnormals);
        if (!IsSum)
        {
            FloatRounding.RoundRows(b, K, BIsWeight ? numerics.Weights : numerics.Operands, numerics.FlushesSubnormals);
        }

        return this with { A = a, B = b };
    }

    private static ProductForm Sum(Plain x, int axis)
    {
        long[] strides = Plain.Strides(x.Dims);
        int[] order = [.. Enumerable.Range(0, x.Rank).Where(i => i != axis), axis];
        double[] rows = x.Walk([.. order.Select(i => x.Dims[i])], [.. order.Select(i => strides[i])]);
        int k = (int)x.Dims[axis];
        double[] ones = new double[k];
        Array.Fill(ones, 1);
        long[] dims = [.. x.Dims];
        dims[axis] = 1;
        return new(rows, ones, x.Role == TensorRole.Constant, false, true, k, i => (i * k, 0), dims, []);
    }

    private static ProductForm Matrix(Plain a, Plain b, double[] bias)
    {
        (int k, long columns) = (a.Width, b.Dims[0]);
        return Make(a, b, i => (i / columns * k, i % columns * k), [a.Dims[0], columns], bias);
    }

    private static ProductForm Batched(Plain a, Plain b)
    {
        (int k, long rows, long columns) = (a.Width, a.Dims[^2], b.Dims[^2]);
        return Make(a, b, i =>
        {
            (long row, long column) = Math.DivRem(i, columns);
            (long batch, long entry, long step) = (row / rows, 0, 1);
            for (int axis = a.Rank - 3; axis >= 0; axis--)
            {
                entry += batch % a.Dims[axis] / (a.Dims[axis] / b.Dims[axis]) * step;
                batch /= a.Dims[axis];
                step *= b.Dims[axis];
            }

            return (row * k, ((entry * columns) + column) * k);
        }, [.. a.Dims[..^1], columns], []);
    }

    private static ProductForm Indexed(Plain a, Plain b, Plain index)
    {
        (int k, long columns, long picks) = (a.Width, b.Dims[1], index.Dims[1]);
        return Make(a, b, i =>
        {
            (long row, long column) = Math.DivRem(i, columns);
            return ((a.Rank == 3 ? row : row / picks) * k, (((long)index.Values[row] * columns) + column) * k);
        }, [.. index.Dims, columns], []);
    }

    private static ProductForm Make(Plain a, Plain b, Func<long, (long A, long B)> at, long[] dims, double[] bias) =>
        new(a.Values, b.Values, a.Role == TensorRole.Constant, b.Role == TensorRole.Constant, false, a.Width, at, dims, bias);
}
