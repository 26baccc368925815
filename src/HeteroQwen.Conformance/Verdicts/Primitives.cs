using System.Collections.Immutable;
using System.Runtime.InteropServices;
using HeteroQwen.Backends;
using HeteroQwen.Ir;

namespace HeteroQwen.Conformance.Verdicts;

/// <summary>The eight primitives on plain arrays.</summary>
/// <param name="numerics">Declared arithmetic; null for f64 without any rounding.</param>
/// <param name="bindings">Values of the symbols.</param>
/// <param name="drop">What to leave out.</param>
internal sealed class Primitives(Numerics? numerics, Bindings bindings, Drop drop)
{
    private const int DroppedTerms = 32;

    /// <summary>Order of the terms where sums are rounded.</summary>
    public TermOrder Order { get; init; }

    public IEnumerable<Plain> Run(string op, IReadOnlyList<Plain> x, Attributes attributes, ImmutableArray<TensorType> types)
    {
        Plain Made(double[] values, int result = 0, TensorRole role = TensorRole.Result) =>
            new(types[result], role, Plain.Resolve(types[result].Shape, bindings), values);

        if (ProductForm.Is(op, attributes))
        {
            return [Made(Products(ProductForm.Of(op, x, attributes)))];
        }

        switch (op)
        {
            case "binary":
                return [Made(Binary(x, attributes, Plain.Resolve(types[0].Shape, bindings)))];
            case "unary":
                return [Made([.. x[0].Values.Select(Unary(attributes.Text("kind"))).Select(Held)])];
            case "reduce":
                return [Made(Most(x[0], (int)attributes.Int64("axis")))];
            case "gather_rows":
                return [Made(Gather(x[0], x[1]))];
            case "scatter_rows":
                return [Made(Scatter(x[0], x[1], x[2]), 0, TensorRole.State)];
            case "copy":
                Plain joined = Made(Join(x, attributes), 0, x.Count == 1 ? x[0].Role : TensorRole.Result);
                return [joined with { Values = ElementCodec.Cast(joined.Values, types[0].Element) }];
            default:
                (double[] values, double[] indices) = TopK(x[0], (int)attributes.Int64("k"));
                return [Made(values), Made(indices, 1)];
        }
    }

    /// <summary>An intermediate value as it is held: f32, or the wider type in which the device declares its sums.</summary>
    private double Held(double x) => numerics is null || numerics.AccumulateBits > 24 ? x
        : numerics.FlushesSubnormals ? FloatRounding.Round(x, FloatRounding.F32, true)
        : (float)x;

    private double[] Products(ProductForm form)
    {
        double[] results = new double[form.Elements];
        form = numerics is null ? form : form.Rounded(numerics);
        int terms = drop != Drop.Terms ? form.K : form.K - (form.K > DroppedTerms ? DroppedTerms : 1);
        for (long i = 0; i < results.Length; i++)
        {
            (long a, long b) = form.At(i);
            results[i] = Dot(form.A.AsSpan((int)a, terms), form.B.AsSpan((int)b, terms));
            results[i] = form.Bias.Length == 0 ? results[i] : Held(results[i] + form.Bias[i % form.Bias.Length]);
        }

        return results;
    }

    /// <summary>Term by term in the declared accumulate type.</summary>
    private double Dot(ReadOnlySpan<double> a, ReadOnlySpan<double> b)
    {
        double sum = 0;
        if (numerics is null || numerics.AccumulateBits >= 53)
        {
            for (int k = 0; k < a.Length; k++)
            {
                sum += a[k] * b[k];
            }

            return sum;
        }

        Rounding format = new(RoundingKind.Float, numerics.AccumulateBits, 127, 0, numerics.Results.Truncates);
        bool isSingle = numerics.AccumulateBits == 24 && !numerics.FlushesSubnormals && !format.Truncates;
        for (int i = 0; i < a.Length; i++)
        {
            int k = At(i, a.Length);
            double term = Order == TermOrder.Backward ? (float)(a[k] * b[k]) : a[k] * b[k];
            sum = isSingle ? (float)(sum + term) : FloatRounding.Round(sum + term, format, numerics.FlushesSubnormals);
        }

        return sum;
    }

    private int At(int i, int count) => Order switch
    {
        TermOrder.Forward => i,
        TermOrder.Backward => count - 1 - i,
        _ => 2 * i < count ? 2 * i : (2 * i) - count + 1 - (count & 1),
    };

    private double[] Binary(IReadOnlyList<Plain> x, Attributes attributes, long[] dims)
    {
        string kind = attributes.Text("kind");
        bool isInteger = x[0].Type.Element == ElementType.I32;
        double[] Side(string immediate, Plain operand)
        {
            if (!attributes.TryGet(immediate, out AttributeValue value))
            {
                return operand.Dims.AsSpan().SequenceEqual(dims) ? operand.Values : operand.Walk(dims, operand.BroadcastStrides(dims));
            }

            double[] filled = new double[Plain.Product(dims)];
            Array.Fill(filled, isInteger ? value.Float64 : (float)value.Float64);
            return filled;
        }

        (double[] a, double[] b) = (Side("lhs", x[0]), Side("rhs", x[^1]));
        if (kind == "masked_fill" && drop == Drop.KvEntry)
        {
            b = WithoutLast(b, (int)dims[^1]);
        }

        Func<double, double, double> apply = ElementFunctions.Binary(kind, isInteger);
        double[] results = new double[a.Length];
        for (int i = 0; i < a.Length; i++)
        {
            double y = apply(a[i], b[i]);
            results[i] = isInteger ? y : Held(y);
        }

        return results;
    }

    private static double[] WithoutLast(double[] mask, int width)
    {
        double[] less = [.. mask];
        for (int row = 0; row < less.Length; row += width)
        {
            Span<double> one = less.AsSpan(row, width);
            int last = one.LastIndexOf(1);
            if (one.IndexOf(1) < last)
            {
                one[last] = 0;
            }
        }

        return less;
    }

    private static Func<double, double> Unary(string kind) => ElementFunctions.Unary(kind);

    private static double[] Most(Plain x, int axis)
    {
        long[] dims = [.. x.Dims];
        (long length, long inner) = (dims[axis], Plain.Product(dims.AsSpan(axis + 1)));
        dims[axis] = 1;
        double[] results = new double[Plain.Product(dims)];
        for (long i = 0; i < results.Length; i++)
        {
            long at = (i / inner * length * inner) + (i % inner);
            double most = double.NegativeInfinity;
            for (long j = 0; j < length; j++)
            {
                most = Math.Max(most, x.Values[at + (j * inner)]);
            }

            results[i] = most;
        }

        return results;
    }

    private static double[] Gather(Plain table, Plain index)
    {
        int width = (int)Plain.Product(table.Dims.AsSpan(1));
        double[] results = new double[index.Values.Length * width];
        for (int i = 0; i < index.Values.Length; i++)
        {
            table.Values.AsSpan((int)index.Values[i] * width, width).CopyTo(results.AsSpan(i * width));
        }

        return results;
    }

    private static double[] Scatter(Plain state, Plain index, Plain rows)
    {
        int width = (int)Plain.Product(state.Dims.AsSpan(1));
        double[] results = [.. state.Values];
        double[] stored = ElementCodec.Stored(rows.Values, state.Type.Element);
        for (int i = 0; i < index.Values.Length; i++)
        {
            stored.AsSpan(i * width, width).CopyTo(results.AsSpan((int)index.Values[i] * width));
        }

        return results;
    }

    private static double[] Join(IReadOnlyList<Plain> parts, Attributes attributes)
    {
        if (parts.Count == 1)
        {
            return parts[0].Values;
        }

        int axis = (int)attributes.Int64("axis");
        long outer = Plain.Product(parts[0].Dims.AsSpan(0, axis));
        List<double> joined = [];
        for (long i = 0; i < outer; i++)
        {
            foreach (Plain part in parts)
            {
                int length = (int)Plain.Product(part.Dims.AsSpan(axis));
                joined.AddRange(part.Values.AsSpan((int)i * length, length));
            }
        }

        return [.. joined];
    }

    private static (double[] Values, double[] Indices) TopK(Plain x, int k)
    {
        List<double> values = [];
        List<double> indices = [];
        for (int row = 0; row < x.Values.Length; row += x.Width)
        {
            // OrderBy is stable: ties stay in order of their indices. NaN is taken as the least of all.
            var order = Enumerable.Range(0, x.Width).OrderByDescending(i => x.Values[row + i], Comparer<double>.Default).Take(k);
            foreach (int i in order)
            {
                values.Add(x.Values[row + i]);
                indices.Add(i);
            }
        }

        return (CollectionsMarshal.AsSpan(values).ToArray(), CollectionsMarshal.AsSpan(indices).ToArray());
    }
}
