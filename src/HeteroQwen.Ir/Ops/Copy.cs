using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>copy(x; to)</c>: x in the type <c>to</c> and dense: a cast (to nearest even, overflow to infinity), a dequantisation (in f32, each
/// operation rounded, no FMA), or the same elements made contiguous. <c>copy(x, y..; axis, to)</c>: the operands joined on an axis.
/// </summary>
public sealed class Copy : OpDefinition
{
    public static Copy Instance { get; } = new();

    public override string Name => "copy";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["x..."];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand and to, or several with axis and to, a string",
        "to names an unquantised type; it is the operand's type, or both are floats, or the operand is quantised and to a float",
        "several operands: of one type and rank, axis one of their axes, all other dimensions equal, and the "
            + "joined one a constant in each, with a sum below 2^63",
    ];

    /// <summary>The element type that <c>to</c> names.</summary>
    public static ElementType To(Attributes attributes) =>
        ElementTypes.TryParse(attributes.Text("to"), out ElementType type) ? type : throw new InvalidOperationException("copy without a type");

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        if (operands.Length == 1)
        {
            RequireForm(1, operands, 1, 1, attributes, ("to", AttributeKind.String));
        }
        else
        {
            RequireForm(1, operands, 2, int.MaxValue, attributes, ("to", AttributeKind.String), ("axis", AttributeKind.Int64));
        }

        TensorType x = operands[0];
        bool named = ElementTypes.TryParse(attributes.Text("to"), out ElementType to) && !to.IsQuantized();
        Require(named && (to == x.Element || (to.IsFloat() && (x.Element.IsFloat() || x.Element.IsQuantized()))), 2, $"{x} to {attributes.Text("to")}");
        Shape shape = operands.Length == 1 ? x.Shape : Joined(operands, attributes.Int64("axis"));
        return [new(to, shape)];
    }

    private Shape Joined(ImmutableArray<TensorType> operands, long axis)
    {
        TensorType x = operands[0];
        string found = $"axis {axis} of {string.Join(", ", operands)}";
        Require(axis >= 0 && axis < x.Rank, 3, found);
        int a = (int)axis;
        Require(operands.All(o => o.Element == x.Element && o.Rank == x.Rank && o.Shape.WithAxis(a, 1) == x.Shape.WithAxis(a, 1)), 3, found);
        Require(operands.All(o => o.Shape[a].IsConstant), 3, found);
        var sum = operands.Aggregate(Int128.Zero, (total, o) => total + o.Shape[a].Constant);
        Require(sum <= long.MaxValue, 3, found);
        return x.Shape.WithAxis(a, (long)sum);
    }
}

public static partial class GraphOps
{
    /// <summary>x in another type.</summary>
    public static Value Cast(this GraphBuilder builder, Value x, ElementType to) => builder.Emit(Ir.Copy.Instance, [x], new(("to", to.Name())))[0];

    /// <summary>x itself if it has the type, else a cast of it.</summary>
    public static Value AsType(this GraphBuilder builder, Value x, ElementType to) => x.Type.Element == to ? x : builder.Cast(x, to);

    public static Value Concat(this GraphBuilder builder, int axis, params ImmutableArray<Value> operands) =>
        builder.Emit(Ir.Copy.Instance, operands, new(("axis", (long)axis), ("to", operands[0].Type.Element.Name())))[0];
}
