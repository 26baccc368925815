using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>broadcast(x; shape)</c>: x repeated along new leading axes and along those whose dimension is 1 (strides of 0). A view.
/// </summary>
public sealed class Broadcast : OpDefinition
{
    public static Broadcast Instance { get; } = new();

    public override string Name => "broadcast";

    public override OpClass Class => OpClass.View;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; shape is a string that reads as a shape",
        "x is not block-quantised",
        "right-aligned, each dimension of x is 1 or that of shape",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("shape", AttributeKind.String));
        bool parsed = Shape.TryParse(attributes.Text("shape"), out Shape shape);
        Require(parsed, 1, attributes.Text("shape"));
        Require(!operands[0].Element.IsQuantized(), 2, $"{operands[0]}");
        Require(Broadcasting.TryCombine(operands[0].Shape, shape, out Shape combined) && combined == shape, 3, $"{operands[0].Shape} to {shape}");
        return [new(operands[0].Element, shape)];
    }
}

/// <summary>The rule of right-aligned broadcasting, shared by the ops that have it.</summary>
public static class Broadcasting
{
    /// <summary>The shape of which both are broadcasts: aligned on the right, dimensions are equal or one of them is 1.</summary>
    public static bool TryCombine(Shape a, Shape b, out Shape combined)
    {
        int rank = Math.Max(a.Rank, b.Rank);
        var dims = new Dim[rank];
        for (int i = 1; i <= rank; i++)
        {
            Dim x = i <= a.Rank ? a[a.Rank - i] : 1;
            Dim y = i <= b.Rank ? b[b.Rank - i] : 1;
            if (x != y && x != 1 && y != 1)
            {
                combined = default;
                return false;
            }

            dims[rank - i] = x == 1 ? y : x;
        }

        combined = new(dims.AsSpan());
        return true;
    }
}

public static partial class GraphOps
{
    public static Value Broadcast(this GraphBuilder builder, Value x, params ReadOnlySpan<Dim> shape) =>
        builder.Emit(Ir.Broadcast.Instance, [x], new(("shape", new Shape(shape).ToString())))[0];
}
