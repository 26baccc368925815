using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Views: dense bytes for the host, and the strides with which a device would see them in the memory of what they show.</summary>
internal static class HostViews
{
    public static OpTensor Take(Operation operation, OpTensor x, Bindings bindings)
    {
        TensorType type = operation.Results[0].Type;
        if (operation.Definition is Reshape)
        {
            return x with { Type = type, Strides = null };
        }

        long[] sizes = Plain.Resolve(x.Type.Shape, bindings);
        long[] dims = Plain.Resolve(type.Shape, bindings);
        long[] dense = Plain.Strides(sizes);
        long offset = operation.Definition is Slice
            ? operation.Attributes.Int64("start") * dense[operation.Attributes.Int64("axis")] : 0;
        byte[] bytes = Walk(x.Data, x.Type.Element.BlockBytes(), dims, Viewed(operation, sizes, dense, dims.Length), offset);
        long[] seen = Viewed(operation, sizes, x.Strides is { } own ? [.. own] : dense, dims.Length);
        return new OpTensor(type, TensorRole.Result, bytes) { Strides = [.. seen] };
    }

    private static long[] Viewed(Operation operation, long[] sizes, long[] strides, int rank)
    {
        if (operation.Definition is Permute)
        {
            return [.. Permute.Order(operation.Attributes).Select(axis => strides[axis])];
        }

        if (operation.Definition is Slice)
        {
            return strides;
        }

        long[] repeated = new long[rank];
        for (int i = 1; i <= sizes.Length; i++)
        {
            repeated[^i] = sizes[^i] == 1 ? 0 : strides[^i];
        }

        return repeated;
    }

    private static byte[] Walk(byte[] from, int size, long[] dims, long[] strides, long offset)
    {
        byte[] to = new byte[checked((int)(Plain.Product(dims) * size))];
        for (int at = 0; at < to.Length; at += size)
        {
            (long element, long rest) = (offset, at / size);
            for (int axis = dims.Length - 1; axis >= 0; axis--)
            {
                element += rest % dims[axis] * strides[axis];
                rest /= dims[axis];
            }

            from.AsSpan(checked((int)element * size), size).CopyTo(to.AsSpan(at));
        }

        return to;
    }
}
