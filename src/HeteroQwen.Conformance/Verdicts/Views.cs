using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>reshape, permute, slice and broadcast on plain arrays.</summary>
internal static class Views
{
    public static Plain Take(OpDefinition op, Plain x, Attributes attributes, TensorType type, Bindings bindings)
    {
        long[] dims = Plain.Resolve(type.Shape, bindings);
        long[] strides = Plain.Strides(x.Dims);
        double[] values = op switch
        {
            Reshape => x.Values,
            Permute => x.Walk(dims, [.. Permute.Order(attributes).Select(axis => strides[axis])]),
            Slice => x.Walk(dims, strides, attributes.Int64("start") * strides[attributes.Int64("axis")]),
            _ => x.Walk(dims, x.BroadcastStrides(dims)),
        };
        return new Plain(type, x.Role, dims, values);
    }
}
