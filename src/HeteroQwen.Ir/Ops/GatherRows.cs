using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>gather_rows(table, index)</c>: out[i.., :] = table[index[i..], :] as f32, dequantised where the table is quantised. An index
/// is always in range.
/// </summary>
public sealed class GatherRows : OpDefinition
{
    public static GatherRows Instance { get; } = new();

    public override string Name => "gather_rows";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["table", "index"];

    public override ImmutableArray<string> Constraints =>
    [
        "two operands, no attributes",
        "table is a float or block-quantised type of at least two dimensions",
        "index is i32",
    ];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 2, 2, attributes);
        (TensorType table, TensorType index) = (operands[0], operands[1]);
        Require((table.Element.IsFloat() || table.Element.IsQuantized()) && table.Rank >= 2, 2, $"{table}");
        Require(index.Element == ElementType.I32, 3, $"{index}");
        return [new(ElementType.F32, new Shape(index.Shape.Dims.Concat(table.Shape.Dims.Skip(1))))];
    }
}

public static partial class GraphOps
{
    public static Value GatherRows(this GraphBuilder builder, Value table, Value index) =>
        builder.Emit(Ir.GatherRows.Instance, [table, index], Attributes.Empty)[0];
}
