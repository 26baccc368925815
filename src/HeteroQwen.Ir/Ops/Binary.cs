using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>binary(a, b; kind)</c>, element by element with right-aligned broadcasting. Kinds: <c>add sub mul div min max</c>;
/// <c>eq lt le</c> compare to bool; <c>and</c>; <c>masked_fill</c>(x, m) is x where m, else -inf.
/// <para>One operand may be an immediate: <c>lhs</c> or <c>rhs</c>, a double that is rounded to the type of the other operand.</para>
/// </summary>
public sealed class Binary : OpDefinition
{
    private static readonly ImmutableArray<string> s_arithmetic = ["add", "sub", "mul", "div", "min", "max"];
    private static readonly ImmutableArray<string> s_comparisons = ["eq", "lt", "le"];

    public static Binary Instance { get; } = new();

    public override string Name => "binary";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["a", "b..."];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands, or one and either lhs or rhs, a double; kind is a string",
        "kind is add, sub, mul, div, min, max, eq, lt, le, and, or masked_fill",
        "add, sub, mul, min, max, eq, lt, le: both f32 or both i32, and an immediate of i32 is a whole number of its range; div: f32; and: bool; "
            + "masked_fill: f32 and bool; and, masked_fill: no immediate",
        "the shapes broadcast",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        string? immediate = attributes.Contains("lhs") ? "lhs" : attributes.Contains("rhs") ? "rhs" : null;
        if (immediate is null)
        {
            RequireForm(1, operands, 2, 2, attributes, ("kind", AttributeKind.String));
        }
        else
        {
            RequireForm(1, operands, 1, 1, attributes, ("kind", AttributeKind.String), (immediate, AttributeKind.Float64));
        }

        string kind = attributes.Text("kind");
        bool compares = s_comparisons.Contains(kind);
        Require(compares || s_arithmetic.Contains(kind) || kind is "and" or "masked_fill", 2, kind);
        (ElementType a, ElementType b) = (operands[0].Element, operands[^1].Element);
        bool typed = kind switch
        {
            "and" => immediate is null && a == ElementType.Bool && b == ElementType.Bool,
            "masked_fill" => immediate is null && a == ElementType.F32 && b == ElementType.Bool,
            "div" => a == ElementType.F32 && b == a,
            _ => a == b && (a == ElementType.F32 || (a == ElementType.I32 && (immediate is null || IsInt32(attributes.Float64(immediate))))),
        };
        Require(typed, 3, $"{kind} of {string.Join(" and ", operands)}{(immediate is null ? "" : $" and {attributes.Float64(immediate)}")}");
        Require(Broadcasting.TryCombine(operands[0].Shape, operands[^1].Shape, out Shape shape), 4, string.Join(" and ", operands));
        return [new(compares ? ElementType.Bool : a, shape)];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings) =>
        Infer(operands, attributes)[0].Shape.Elements(bindings);

    private static bool IsInt32(double value) => value == Math.Floor(value) && value >= int.MinValue && value <= int.MaxValue;
}

public static partial class GraphOps
{
    public static Value Binary(this GraphBuilder builder, string kind, Value a, Value b) =>
        builder.Emit(Ir.Binary.Instance, [a, b], new(("kind", kind)))[0];

    public static Value Binary(this GraphBuilder builder, string kind, Value a, double rhs) =>
        builder.Emit(Ir.Binary.Instance, [a], new(("kind", kind), ("rhs", rhs)))[0];

    public static Value Binary(this GraphBuilder builder, string kind, double lhs, Value b) =>
        builder.Emit(Ir.Binary.Instance, [b], new(("kind", kind), ("lhs", lhs)))[0];
}
