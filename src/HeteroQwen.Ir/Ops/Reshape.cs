using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>reshape(x; shape)</c>: the elements of x in row-major order under another shape. A view: no kernel runs, and where strides
/// cannot express it lowering inserts a <c>copy</c>. The only view that a constant may be given.
/// </summary>
public sealed class Reshape : OpDefinition
{
    public static Reshape Instance { get; } = new();

    public override string Name => "reshape";

    public override OpClass Class => OpClass.View;

    public override ImmutableArray<string> OperandNames => ["x"];

    public override ImmutableArray<string> Constraints =>
    [
        "one operand; shape is a string that reads as a shape",
        "x is not block-quantised",
        "shape has as many elements as x whatever the bindings",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 1, 1, attributes, ("shape", AttributeKind.String));
        bool parsed = Shape.TryParse(attributes.Text("shape"), out Shape shape);
        Require(parsed, 1, attributes.Text("shape"));
        Require(!operands[0].Element.IsQuantized(), 2, $"{operands[0]}");
        Require(operands[0].Shape.SameElements(shape), 3, $"{operands[0].Shape} to {shape}");
        return [new(operands[0].Element, shape)];
    }
}

public static partial class GraphOps
{
    public static Value Reshape(this GraphBuilder builder, Value x, params ReadOnlySpan<Dim> shape) =>
        builder.Emit(Ir.Reshape.Instance, [x], new(("shape", new Shape(shape).ToString())))[0];
}
