using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>A tensor as a dense array of doubles; integers and bools are held as they are.</summary>
/// <param name="Type">Element type and shape, symbols included.</param>
/// <param name="Role">Constant: rounded as weights are.</param>
/// <param name="Dims">The shape when the symbols are bound.</param>
/// <param name="Values">Row-major.</param>
internal sealed record Plain(TensorType Type, TensorRole Role, long[] Dims, double[] Values)
{
    public int Rank => Dims.Length;

    public int Width => Rank == 0 ? 1 : (int)Dims[^1];

    public static long Product(ReadOnlySpan<long> dims)
    {
        long product = 1;
        foreach (long dim in dims)
        {
            product *= dim;
        }

        return product;
    }

    public static long[] Strides(ReadOnlySpan<long> dims)
    {
        long[] strides = new long[dims.Length];
        long stride = 1;
        for (int axis = dims.Length - 1; axis >= 0; axis--)
        {
            strides[axis] = stride;
            stride *= dims[axis];
        }

        return strides;
    }

    public static long[] Resolve(Shape shape, Bindings bindings) => [.. shape.Dims.Select(d => d.Resolve(bindings))];

    /// <summary>The elements that strides and an offset name, in row-major order of <paramref name="dims"/>.</summary>
    public double[] Walk(ReadOnlySpan<long> dims, ReadOnlySpan<long> strides, long offset = 0)
    {
        double[] walked = new double[Product(dims)];
        Span<long> index = stackalloc long[dims.Length];
        index.Clear();
        long at = offset;
        for (int i = 0; i < walked.Length; i++)
        {
            walked[i] = Values[at];
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                at += strides[axis];
                if (++index[axis] < dims[axis])
                {
                    break;
                }

                at -= index[axis] * strides[axis];
                index[axis] = 0;
            }
        }

        return walked;
    }

    /// <summary>Strides with which this tensor reads as one of more or larger dimensions: 0 where it is repeated.</summary>
    public long[] BroadcastStrides(ReadOnlySpan<long> dims)
    {
        long[] own = Strides(Dims);
        long[] strides = new long[dims.Length];
        for (int i = 1; i <= Rank; i++)
        {
            strides[^i] = Dims[^i] == 1 ? 0 : own[^i];
        }

        return strides;
    }
}
