using System.Collections.Immutable;
using HeteroQwen.Backends;
using HeteroQwen.Conformance.Ops;
using HeteroQwen.Conformance.Verdicts;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>What is wrong with an op's results.</summary>
/// <param name="Verdict">The check's finding.</param>
/// <param name="Result">Which result.</param>
/// <param name="Index">Its element that is furthest off.</param>
/// <param name="Got">What the device made of it.</param>
/// <param name="Expected">What float64 makes of it.</param>
internal sealed record OpFault(Verdict Verdict, int Result, ImmutableArray<long> Index, double Got, double Expected);

/// <summary>One op on operands that are given.</summary>
internal sealed record SingleOp(
    OpDefinition Op, Attributes Attributes, ImmutableArray<OpTensor> Operands, Bindings Bindings, Bindings Maxima, Precision Precision)
{
    /// <summary>A weight is judged in slices of so many elements, so that float64 copies of a large one need not fit in memory.</summary>
    private const long SliceElements = 1 << 24;

    public ImmutableArray<TensorType> ResultTypes => Op.Infer([.. Operands.Select(o => o.Type)], Attributes);

    public OpDescriptor Descriptor => ContractRun.Describe(Op, Operands, Attributes, Maxima, Precision);

    /// <summary>The op as one line of the IR, operands under the names of a case file.</summary>
    public string Line => GraphPrinter.PrintOperation(Graph().Operations[0]);

    public static string NameOf(int operand) => $"x{operand}";

    /// <summary>The op as a graph of its own, with <see cref="NameOf"/> as names; results that are no states are outputs y0, y1, ...</summary>
    public Graph Graph()
    {
        GraphBuilder builder = new("case");
        ImmutableArray<Value> operands = [.. Operands.Select((o, i) => o.Role switch
        {
            TensorRole.Constant => builder.Constant(NameOf(i), o.Type),
            TensorRole.State => builder.State(NameOf(i), o.Type),
            _ => builder.Input(NameOf(i), o.Type),
        })];
        ImmutableArray<Value> results = builder.Emit(Op, operands, Attributes, [.. ResultTypes.Select((_, i) => $"r{i}")]);
        for (int i = 0; i < results.Length; i++)
        {
            if (results[i].State is null)
            {
                builder.Output($"y{i}", results[i]);
            }
        }

        return builder.Build();
    }

    /// <summary>With each view dense that the device does not take strided; the device's refusal, if it does not run the op.</summary>
    public (SingleOp Op, string? Refusal) AsAsked(Device device)
    {
        SingleOp dense = this with { Operands = [.. Operands.Select(o => o with { Strides = null })] };
        Status status = device.Handle.Supports(dense.Descriptor, out Support support);
        if (!status.IsOk || !support.IsSupported)
        {
            return (dense, status.IsOk ? support.Reason ?? "no reason given" : status.Message ?? status.Code.ToString());
        }

        return (this with { Operands = [.. Operands.Select((o, i) => (support.StridedOperands >> i & 1) != 0 ? o : dense.Operands[i])] }, null);
    }

    /// <summary>The results of a device, dense; where it can run in place and that gives something else, the results of that.</summary>
    /// <exception cref="RefusedException">The device refuses or breaks what it said that it supports.</exception>
    public byte[][] Launch(Device device)
    {
        const byte NaN = 0xFF;
        using ContractRun run = new(device.Handle, Op, Descriptor, Operands, Bindings);
        byte[][] results = run.Launch(NaN, inPlace: false);
        byte[][] inPlace = run.CanRunInPlace ? run.Launch(NaN, inPlace: true) : results;
        return results.Zip(inPlace).All(r => r.First.AsSpan().SequenceEqual(r.Second)) ? results : inPlace;
    }

    /// <summary>The results in float64, in order.</summary>
    public Plain[] Expected(Capabilities capabilities) => new Judge(Question(), capabilities, Precision).Expected();

    /// <summary>What is wrong with the results of a device with these capabilities; null if nothing is.</summary>
    public OpFault? Judge(IReadOnlyList<byte[]> results, Capabilities capabilities)
    {
        if (Op is GatherRows && Operands[0].Role == TensorRole.Constant && Reductions.UsedRows(this) is { } compact)
        {
            return compact.JudgeWhole(results, capabilities);
        }

        return Op is Linear && Operands[1].Type.Shape.Elements(Bindings) > SliceElements
            ? JudgeSlices(results[0], capabilities)
            : JudgeWhole(results, capabilities);
    }

    private OpFault? JudgeSlices(byte[] result, Capabilities capabilities)
    {
        (long outputs, long inner) = (Operands[1].Type.Shape[0].Constant, Operands[1].Type.Shape[1].Constant);
        long slice = Math.Max(1, SliceElements / inner);
        OpTensor whole = new(ResultTypes[0], TensorRole.Result, result);
        for (long first = 0; first < outputs; first += slice)
        {
            long end = Math.Min(outputs, first + slice);
            SingleOp part = Reductions.WeightRows(this, first, end);
            if (part.JudgeWhole([Reductions.Rows(whole, 1, first, end, end - first, Bindings).Data], capabilities) is { } fault)
            {
                return fault with { Index = fault.Index.SetItem(1, fault.Index[1] + first) };
            }
        }

        return null;
    }

    private OpFault? JudgeWhole(IReadOnlyList<byte[]> results, Capabilities capabilities)
    {
        double[][] got = [.. results.Select((r, i) => ElementCodec.Decode(ResultTypes[i].Element, r))];
        Judge judge = new(Question(), capabilities, Precision);
        Verdict[] verdicts = judge.Run(got);
        int wrong = Array.FindIndex(verdicts, v => !v.Passes);
        if (wrong < 0)
        {
            return null;
        }

        Plain expected = judge.Expected()[wrong];
        int worst = 0;
        double most = -1;
        for (int i = 0; i < expected.Values.Length; i++)
        {
            double error = got[wrong][i].Equals(expected.Values[i]) ? 0 : Math.Abs(got[wrong][i] - expected.Values[i]);
            error = double.IsNaN(error) ? double.PositiveInfinity : error;
            (worst, most) = error > most ? (i, error) : (worst, most);
        }

        return new OpFault(verdicts[wrong], wrong, Place(worst, expected.Dims), got[wrong][worst], expected.Values[worst]);
    }

    private Question Question() => new(Op, Attributes, Bindings, [.. Operands.Select(o => o.ToPlain(Bindings))], IsProbe: false);

    private static ImmutableArray<long> Place(long element, long[] dims)
    {
        long[] index = new long[dims.Length];
        for (int axis = dims.Length - 1; axis >= 0; axis--)
        {
            (element, index[axis]) = Math.DivRem(element, dims[axis]);
        }

        return [.. index];
    }
}
