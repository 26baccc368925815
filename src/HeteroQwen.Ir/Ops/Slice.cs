using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary><c>slice(x; axis, start, size)</c>: the elements start .. start + size - 1 of one axis. A view.</summary>
public sealed class Slice : OpDefinition
{
    public static Slice Instance { get; } = new();

    public override string Name => "slice";

    public override OpClass Class => OpClass.View;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; axis, start and size are integers",
        "x is not block-quantised",
        "axis is an axis of x, and its dimension a constant",
        "0 <= start, 1 <= size, and start + size <= the dimension",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(
            1, operands, 1, 1, attributes, ("axis", AttributeKind.Int64), ("start", AttributeKind.Int64), ("size", AttributeKind.Int64));
        TensorType x = operands[0];
        (long axis, long start, long size) = (attributes.Int64("axis"), attributes.Int64("start"), attributes.Int64("size"));
        Require(!x.Element.IsQuantized(), 2, $"{x}");
        Require(axis >= 0 && axis < x.Rank && x.Shape[(int)axis].IsConstant, 3, $"axis {axis} of {x}");
        long dim = x.Shape[(int)axis].Constant;
        Require(start >= 0 && size >= 1 && size <= dim && start <= dim - size, 4, $"start {start}, size {size} of {dim}");
        return [new(x.Element, x.Shape.WithAxis((int)axis, size))];
    }
}

public static partial class GraphOps
{
    public static Value Slice(this GraphBuilder builder, Value x, int axis, long start, long size) =>
        builder.Emit(Ir.Slice.Instance, [x], new(("axis", (long)axis), ("start", start), ("size", size)))[0];
}
