using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Ops.Cases;

/// <summary>
/// The ops of the eight Qwen3 models with their own attributes and inner dimensions. Outer ones that only repeat work (rows of a weight,
/// vocabulary, experts) are cut down.
/// </summary>
internal static class HarvestCases
{
    private const int MostColumns = 16;
    private const int MostExperts = 9;

    public static void Add(CaseList list)
    {
        ElementType[] weights = list.IsFull ? [.. Weights.Types] : [ElementType.BF16, ElementType.Q4_K];
        foreach (ElementType type in weights)
        {
            ElementType state = type switch
            {
                ElementType.BF16 => ElementType.F16,
                ElementType.Q8_0 => ElementType.Q8_0,
                ElementType.F16 => ElementType.BF16,
                _ => ElementType.F32,
            };
            foreach (Occurrence occurrence in Qwen3Shapes.All(type, state, list.Capabilities.PageSize))
            {
                bool isChosen = list.IsFull
                    || (occurrence.Op.Class == OpClass.Inner ? type == ElementType.BF16 || occurrence.Op is Linear : IsFirst(occurrence) && type == ElementType.BF16);
                if (occurrence.Op.Class != OpClass.Block && isChosen)
                {
                    Add(list, occurrence);
                }
            }
        }
    }

    /// <summary>The quick profile takes the primitives of one dense model and of one with experts.</summary>
    private static bool IsFirst(Occurrence use) => use.Model is "0.6b" or "30b-a3b";

    private static void Add(CaseList list, Occurrence use)
    {
        int page = list.Capabilities.PageSize;
        (int, int)[] sequences = [(page - 3, 3), (4, 1)];
        Bindings bindings = new KvStep(new CaseRandom("", 0), page, sequences).Bindings with { R = 2 };
        ImmutableArray<Use> operands = [.. use.Operands.Select((o, i) => o with { Type = Scaled(use.Op, o, i) })];
        OpTensor[] Make(CaseRandom r)
        {
            KvStep step = new(r, page, sequences);
            return use.Op.Name switch
            {
                "attention" => Attention(r, step, operands, bindings),
                "moe_route" => [MoeCases.Logits(r, (int)bindings.T, (int)operands[0].Type.Shape[1].Constant, 0.25, operands[0].Type.Shape[0])],
                _ => [.. operands.Select((o, i) => Operand(r, step, use, operands, i, bindings))],
            };
        }

        string kind = use.Attributes.TryGet("kind", out AttributeValue value) ? $".{value.Text}" : "";
        string types = string.Join('.', operands.Take(3).Select(o => o.Type.Element.Name()));
        string shape = string.Join('.', operands.Take(3).Select(o => Draws.Name(o.Type.Shape.Dims)));
        list.Add(new(types, shape, "dense", $"{use.Model}{kind}"), new OpSpec(use.Op, use.Attributes, bindings, Make) { Occurs = (use.Dense, use.Moe) });
    }

    /// <summary>An operand's type with the dimensions cut that only repeat work.</summary>
    private static TensorType Scaled(OpDefinition op, Use use, int operand)
    {
        Shape shape = use.Type.Shape;
        Shape Cut(int axis, int most) => shape[axis].IsConstant && shape[axis].Constant > most ? shape.WithAxis(axis, most) : shape;
        bool isExperts = shape.Rank == 3 && use.Role == TensorRole.Constant;
        switch (op.Name, operand)
        {
            case ("linear", > 0) or ("gather_rows", 0) or ("matmul", 1) when !isExperts && use.Role == TensorRole.Constant:
                shape = Cut(0, op.Name == "gather_rows" ? 64 : MostColumns);
                break;
            case ("matmul", 1) when isExperts:
                shape = Cut(1, MostColumns);
                shape = Cut(0, MostExperts);
                break;
            case ("moe_ffn", 3 or 4):
                shape = Cut(1, Inner(use));
                shape = Cut(0, MostExperts);
                break;
            case ("moe_ffn", 5):
                shape = Cut(2, Inner(use));
                shape = Cut(0, MostExperts);
                break;
        }

        return use.Type with { Shape = shape };
    }

    /// <summary>The inner size of experts: a block of the largest quantised type, or less.</summary>
    private static int Inner(Use use) => use.Type.Element.IsQuantized() ? 256 : 32;

    private static OpTensor[] Attention(CaseRandom r, KvStep step, ImmutableArray<Use> operands, Bindings bindings)
    {
        ImmutableArray<Dim> q = operands[0].Type.Shape.Dims;
        (int kvHeads, int width) = ((int)operands[1].Type.Shape[1].Constant, (int)operands[1].Type.Shape[2].Constant);
        ElementType state = operands[1].Type.Element;
        return
        [
            OpTensor.Of(ElementType.F32, r.Values(operands[0].Type.Shape.Elements(bindings), Draws.Normal), [.. q]),
            step.State(r, state, kvHeads, width, Draws.Normal), step.State(r, state, kvHeads, width, Draws.Normal), .. step.Index(),
        ];
    }

    private static OpTensor Operand(CaseRandom r, KvStep step, Occurrence use, ImmutableArray<Use> operands, int operand, Bindings bindings)
    {
        (TensorType type, TensorRole role) = operands[operand];
        Dim[] dims = [.. type.Shape.Dims];
        long count = type.Shape.Elements(bindings);
        if (role == TensorRole.Constant)
        {
            return Weights.Random(type.Element, r, dims);
        }

        if (role == TensorRole.State)
        {
            return step.State(r, type.Element, (int)dims[1].Constant, (int)dims[2].Constant, Draws.Normal);
        }

        switch (type.Element)
        {
            case ElementType.I32 when use.Op.Name == "scatter_rows":
                return step.WriteSlot;
            case ElementType.I32 when dims.Length == 2 && use.Op.Name is "matmul" or "moe_ffn":
                int picks = (int)dims[1].Constant;
                return Draws.Ints([.. Enumerable.Range(0, (int)count / picks).SelectMany(_ => r.Order(MostExperts).Take(picks))], dims);
            case ElementType.I32:
                int bound = use.Op.Name == "gather_rows" ? (int)operands[0].Type.Shape[0].Resolve(bindings) : 4;
                return Draws.Ints([.. Enumerable.Range(0, (int)count).Select(_ => r.Below(bound))], dims);
            case ElementType.Bool:
                return OpTensor.Of(type.Element, r.Values(count, x => x.Below(2)), dims);
            default:
                bool isPositive = use.Attributes.TryGet("kind", out AttributeValue kind) && kind.Text is "rsqrt" or "div" or "reciprocal";
                return OpTensor.Of(type.Element, r.Values(count, isPositive ? Draws.Positive : Draws.Normal), dims).As(role);
        }
    }
}
