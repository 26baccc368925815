using HeteroQwen.Backends;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Views as strides over the bytes that they show.</summary>
internal static class HostViews
{
    public static OpTensor Take(Operation operation, OpTensor x, Bindings bindings)
    {
        TensorType type = operation.Results[0].Type;
        if (operation.Definition is Reshape)
        {
            // Of a constant only the shape changes; what a reshape shows of an input is still one.
            return (x.Constant is not null ? x : x.Dense(bindings)) with { Dims = type.Shape.Dims };
        }

        long[] sizes = x.Resolve(bindings);
        long[] strides = x.Strides is { } own ? [.. own] : Plain.Strides(sizes);
        Attributes attributes = operation.Attributes;
        (long[] viewed, long offset) = operation.Definition switch
        {
            Permute => ([.. Permute.Order(attributes).Select(axis => strides[axis])], 0L),
            Slice => (strides, attributes.Int64("start") * strides[attributes.Int64("axis")]),
            _ => (Repeated(sizes, strides, type.Rank), 0L),
        };
        return x with { Dims = type.Shape.Dims, Strides = [.. viewed], Offset = x.Offset + offset, Role = TensorRole.Result };
    }

    private static long[] Repeated(long[] sizes, long[] strides, int rank)
    {
        long[] repeated = new long[rank];
        for (int i = 1; i <= sizes.Length; i++)
        {
            repeated[^i] = sizes[^i] == 1 ? 0 : strides[^i];
        }

        return repeated;
    }
}
