using System.Collections.Immutable;
using System.Globalization;

namespace HeteroQwen.Ir;

/// <summary><c>permute(x; order)</c>: out[i_0, .., i_n] = x with axis order[j] of x as axis j of out. A view.</summary>
public sealed class Permute : OpDefinition
{
    public static Permute Instance { get; } = new();

    public override string Name => "permute";

    public override OpClass Class => OpClass.View;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; order is a string that names each axis of x once, separated by commas",
        "x is not block-quantised",
    ];

    /// <summary>The axes of x in the order of the result's axes.</summary>
    public static ImmutableArray<int> Order(Attributes attributes) =>
        [.. attributes.Text("order").Split(',').Select(s => int.TryParse(s, NumberStyles.None, CultureInfo.InvariantCulture, out int axis) ? axis : -1)];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("order", AttributeKind.String));
        TensorType x = operands[0];
        ImmutableArray<int> order = Order(attributes);
        Require(order.Order().SequenceEqual(Enumerable.Range(0, x.Rank)), 1, $"order {attributes.Text("order")} of {x}");
        Require(!x.Element.IsQuantized(), 2, $"{x}");
        return [new(x.Element, new Shape(order.Select(axis => x.Shape[axis])))];
    }
}

public static partial class GraphOps
{
    public static Value Permute(this GraphBuilder builder, Value x, params ReadOnlySpan<int> order) =>
        builder.Emit(Ir.Permute.Instance, [x], new(("order", string.Join(',', order.ToArray()))))[0];
}
