using System.Collections.Immutable;

namespace HeteroQwen.Ir;

/// <summary>
/// <c>scatter_rows(state, index, rows)</c>: the state's next version, in which row index[i] is rows[i], cast to the state's type or
/// quantised by <see cref="Q8_0.Quantize"/> (per 32: d = max|x| / 127 held as f16, q = x / d to nearest even with d as held). In place;
/// reading an older version afterwards is an error of the graph. Indices are in range and unique, save on the scrap page. Never dead code.
/// </summary>
public sealed class ScatterRows : OpDefinition
{
    public static ScatterRows Instance { get; } = new();

    public override string Name => "scatter_rows";

    public override OpClass Class => OpClass.Primitive;

    public override ImmutableArray<string> OperandNames => ["state", "index", "rows"];

    public override ImmutableArray<string> Constraints =>
    [
        "three operands, no attributes",
        "state is f32, f16, bf16 or q8_0 of at least two constant dimensions, and a state or a version of one",
        "index is i32 of one dimension",
        "rows is f32 [index, ..] with the state's other dimensions",
    ];

    public override ImmutableArray<(int Operand, int Result)> StateUpdates => [(0, 0)];

    public override ImmutableArray<TensorType> Infer(ImmutableArray<TensorType> operands, Attributes attributes)
    {
        RequireForm(1, operands, 3, 3, attributes);
        (TensorType state, TensorType index, TensorType rows) = (operands[0], operands[1], operands[2]);
        Require(IsStateType(state), 2, $"{state}");
        Require(index.Element == ElementType.I32 && index.Rank == 1, 3, $"{index}");
        bool shaped = rows.Element == ElementType.F32 && rows.Rank == state.Rank && rows.Shape[0] == index.Shape[0]
            && rows.Shape.Dims.Skip(1).SequenceEqual(state.Shape.Dims.Skip(1));
        Require(shaped, 4, $"{rows} into {state} at {index}");
        return [state];
    }

    /// <summary>True for the types that a state may have.</summary>
    public static bool IsStateType(TensorType type) =>
        (type.Element.IsFloat() || type.Element == ElementType.Q8_0) && type.Rank >= 2 && type.Shape.Dims.All(d => d.IsConstant);
}

public static partial class GraphOps
{
    public static Value ScatterRows(this GraphBuilder builder, Value state, Value index, Value rows) =>
        builder.Emit(Ir.ScatterRows.Instance, [state, index, rows], Attributes.Empty)[0];
}
