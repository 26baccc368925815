using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>matmul(a, b[, index]; accumulate)</c>, B transposed: out[.., m, n] = sum over k of a[.., m, k] b[.., n, k].
/// <para>Plain: a [batch.., M, K], b [batch'.., N, K] to [batch.., M, N]. Grouped: where a batch dimension of b is that of a
/// divided by g, entry i of a meets entry i / g of b (query groups).</para>
/// <para>Indexed (experts): a [T, K] or [T, k, K], b [E, N, K], index i32 [T, k] to [T, k, N]:
/// out[t, j, :] = a[t(, j), :] . b[index[t, j]]^T. An index is in range.</para>
/// <para><c>accumulate</c> is the type in which sums are held at the least: "f32".</para>
/// </summary>
public sealed class MatMul : OpDefinition
{
    public static MatMul Instance { get; } = new();

    public override string Name => "matmul";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["a", "b", "index..."];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands, or three with an index; accumulate is \"f32\"",
        "a is f32, f16 or bf16; b is a float or block-quantised type",
        "both have at least two dimensions, and the last of both is the same K",
        "plain: as many batch dimensions in a as in b, each equal, or both constants and that of a a multiple of that of b",
        "indexed: index is i32 [M, k], b is [E, P, K], a is [M, K] or [M, k, K]",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 2, 3, attributes, ("accumulate", AttributeKind.String));
        Require(attributes.Text("accumulate") == "f32", 1, $"accumulate {attributes.Text("accumulate")}");
        (TensorType a, TensorType b) = (operands[0], operands[1]);
        Require(a.Element.IsFloat() && (b.Element.IsFloat() || b.Element.IsQuantized()), 2, $"{a} and {b}");
        Require(a.Rank >= 2 && b.Rank >= 2 && a.Shape.Last == b.Shape.Last, 3, $"{a.Shape} and {b.Shape}");
        Dim n = b.Shape[b.Rank - 2];
        if (operands.Length == 2)
        {
            Require(a.Rank == b.Rank, 4, $"{a.Shape} and {b.Shape}");
            for (int i = 0; i < a.Rank - 2; i++)
            {
                (Dim x, Dim y) = (a.Shape[i], b.Shape[i]);
                Require(x == y || (x.IsConstant && y.IsConstant && y.Constant > 0 && x.Constant % y.Constant == 0), 4, $"{a.Shape} and {b.Shape}");
            }

            return [new(ElementType.F32, a.Shape.Outer.Append(n))];
        }

        TensorType index = operands[2];
        bool shaped = index.Element == ElementType.I32 && index.Rank == 2 && b.Rank == 3
            && (a.Rank == 2 ? a.Shape[0] == index.Shape[0] : a.Rank == 3 && a.Shape.Outer == index.Shape);
        Require(shaped, 5, $"{a}, {b}, {index}");
        return [new(ElementType.F32, index.Shape.Append(n))];
    }

    public override double Flops(ImmutableArray<TensorType> operands, Attributes attributes, in Bindings bindings)
    {
        TensorType result = Infer(operands, attributes)[0];
        return 2.0 * result.Shape.Elements(bindings) * operands[0].Shape.Last.Resolve(bindings);
    }
}

public static partial class GraphOps
{
    private static readonly Attributes s_accumulateF32 = new(("accumulate", "f32"));

    /// <summary>a . b^T, batched or grouped.</summary>
    public static Value MatMul(this GraphBuilder builder, Value a, Value b) => builder.Emit(Ir.MatMul.Instance, [a, b], s_accumulateF32)[0];

    /// <summary>Each token with the matrices that its index names.</summary>
    public static Value MatMulIndexed(this GraphBuilder builder, Value a, Value b, Value index) =>
        builder.Emit(Ir.MatMul.Instance, [a, b, index], s_accumulateF32)[0];
}
