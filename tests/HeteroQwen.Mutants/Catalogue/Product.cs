namespace HeteroQwen.Mutants;

/// <summary>The rows that meet in a product: <c>linear</c>, or a <c>matmul</c> plain, grouped or indexed.</summary>
internal sealed class Product(Launch launch)
{
    public Tensor A { get; } = launch.In(0);

    public Tensor B { get; } = launch.In(1);

    public Tensor Out { get; } = launch.Out();

    public long Depth => A.Last;

    public bool IsIndexed => launch.Op.Name == "matmul" && launch.Op.Operands.Length == 3;

    /// <summary>The row of A that result row <paramref name="row"/> is made of.</summary>
    public long RowOfA(long row) => IsIndexed && A.Dims.Length == 2 ? row / Out.Dims[^2] : row;

    /// <summary>The row of B that column <paramref name="column"/> of result row <paramref name="row"/> is made of.</summary>
    public long RowOfB(long row, long column)
    {
        if (IsIndexed)
        {
            return ((long)launch.In(2)[row] * B.Dims[^2]) + column;
        }

        (long batch, long stride, long rest) = (0, 1, row / Out.Dims[^2]);
        for (int axis = A.Dims.Length - 3; axis >= 0; axis--)
        {
            (rest, long i) = Math.DivRem(rest, A.Dims[axis]);
            batch += i / (A.Dims[axis] / B.Dims[axis]) * stride;
            stride *= B.Dims[axis];
        }

        return (batch * B.Dims[^2]) + column;
    }

    /// <summary>Changes every element of the result, given the rows that make it.</summary>
    public void Each(Func<float, long, long, float> change)
    {
        for (long row = 0; row < Out.Rows; row++)
        {
            (long a, long b) = (RowOfA(row), RowOfB(row, 0));
            for (long column = 0; column < Out.Last; column++)
            {
                Out[row, column] = change(Out[row, column], a, b + column);
            }
        }
    }

    /// <summary>The fault by which every element of a product changes.</summary>
    public static Fault Fault(Func<Product, float, long, long, float> change) => new()
    {
        ReadsWeights = true,
        After = launch =>
        {
            Product product = new(launch);
            product.Each((y, a, b) => change(product, y, a, b));
        },
    };
}
