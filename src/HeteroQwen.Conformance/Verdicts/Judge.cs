using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>An op on given operands, and the kind of check that its results get.</summary>
/// <param name="Op">The op.</param>
/// <param name="Attributes">Its attributes.</param>
/// <param name="Bindings">Values of the symbols.</param>
/// <param name="Operands">Its operands, dense.</param>
/// <param name="IsProbe">Operands are small integers whose partial sums are exact.</param>
internal sealed record Question(OpDefinition Op, Attributes Attributes, Bindings Bindings, IReadOnlyList<Plain> Operands, bool IsProbe);

/// <summary>Chooses and runs the check of each result.</summary>
internal sealed class Judge(Question question, Capabilities capabilities, Precision precision)
{
    private readonly Arithmetic _declared = Arithmetic.Declared(capabilities, precision);

    private Numerics Numerics => _declared.For(question.Op.Name);

    /// <summary>The verdicts of the results, in order.</summary>
    public Verdict[] Run(IReadOnlyList<double[]> actual)
    {
        (OpDefinition op, Attributes attributes) = (question.Op, question.Attributes);
        if (op.Class >= OpClass.Inner && op.Name != "linear")
        {
            return Emulate(actual);
        }

        if (ProductForm.Is(op.Name, attributes))
        {
            ProductForm form = ProductForm.Of(op.Name, question.Operands, attributes);
            bool isExact = question.IsProbe || form.A.All(x => x == 0) || form.B.All(x => x == 0);
            return [isExact ? ProductVerdict.JudgeProbe(form, actual[0], Numerics) : ProductVerdict.Judge(form, actual[0], Numerics)];
        }

        double? ulps = UlpVerdict.Allowed(op.Name, attributes);
        bool arithmetic = ulps is null && op.Name is "binary" or "unary" or "reduce";
        bool rounds = arithmetic || Numerics.Operands.Kind != RoundingKind.None || Numerics.FlushesSubnormals;
        Plain[] expected = Evaluate(rounds ? _declared : Arithmetic.Exact);
        return [.. expected.Select((y, i) => ulps is { } allowed
            ? UlpVerdict.Judge(y.Dims, actual[i], y.Values, Numerics, allowed)
            : ExactVerdict.Judge(y.Dims, y.Type.Element, actual[i], y.Values, Numerics, arithmetic
                ? $"bit-equal to the f32 operation; {Arithmetic.Words(Numerics)}" : "bit-equal: nothing is computed"))];
    }

    /// <summary>What the results must be, in f64.</summary>
    public Plain[] Expected() => Evaluate(Arithmetic.Exact);

    private Verdict[] Emulate(IReadOnlyList<double[]> actual)
    {
        Plain[] exact = Evaluate(Arithmetic.Exact);
        Plain[][] emulated = [.. Enum.GetValues<TermOrder>().Select(order =>
            new Evaluator(_declared, question.Bindings) { Order = order }.Run(question.Op, question.Operands, question.Attributes))];
        Plain[] dropped = Dropped(exact);
        return [.. exact.Select((y, i) => y.Type.Element == ElementType.I32
            ? ExactVerdict.Judge(y.Dims, y.Type.Element, actual[i], y.Values, Numerics, "bit-equal: indices")
            : EmulationVerdict.Judge(y, [.. emulated.Select(e => e[i])], y.Role == TensorRole.State ? Zeros(y) : dropped[i], actual[i], Unit(y), Arithmetic.Words(Numerics)))];
    }

    private double Unit(Plain result) => result.Type.Element switch
    {
        ElementType.F16 => Math.ScaleB(1, -11),
        ElementType.BF16 => Math.ScaleB(1, -8),
        ElementType.Q8_0 => 1.0 / 127,
        _ => FloatRounding.Unit(Arithmetic.ResultFormat(Numerics)),
    };

    /// <summary>The results with a part left out: a block of terms, an entry, or a row.</summary>
    private Plain[] Dropped(Plain[] exact)
    {
        switch (question.Op.Name)
        {
            case "attention" or "attention_block":
                Plain[] lessEntry = Evaluate(Arithmetic.Exact, Drop.KvEntry);
                bool same = lessEntry[0].Values.AsSpan().SequenceEqual(exact[0].Values);
                return same ? Evaluate(Arithmetic.Exact, Drop.Terms) : lessEntry;
            case "silu" or "swiglu" or "rope" or "moe_route":
                return [.. exact.Select(WithoutRow)];
            default:
                return Evaluate(Arithmetic.Exact, Drop.Terms);
        }
    }

    /// <summary>Without the row of the largest element.</summary>
    private static Plain WithoutRow(Plain y)
    {
        double[] values = [.. y.Values];
        int width = Math.Max(1, y.Width);
        int largest = Array.IndexOf(values, values.MaxBy(Math.Abs));
        values.AsSpan(largest / width * width, width).Clear();
        return y with { Values = values };
    }

    private static Plain Zeros(Plain y) => y with { Values = new double[y.Values.Length] };

    private Plain[] Evaluate(Arithmetic arithmetic, Drop drop = Drop.Nothing) =>
        new Evaluator(arithmetic, question.Bindings, drop).Run(question.Op, question.Operands, question.Attributes);
}
