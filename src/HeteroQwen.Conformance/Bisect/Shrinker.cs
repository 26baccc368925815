using HeteroQwen.Conformance.Ops;
using HeteroQwen.Ir;
using HeteroQwen.Runtime;

namespace HeteroQwen.Conformance.Bisect;

/// <summary>Makes an op that fails on a device smaller, as long as it goes on failing.</summary>
internal sealed class Shrinker(Device device)
{
    /// <summary>The smallest op found, and what is wrong with it.</summary>
    public (SingleOp Op, OpFault Fault) Shrink(SingleOp op, OpFault fault)
    {
        (SingleOp Op, OpFault Fault) best = (WithoutUnused(op), fault);
        foreach (Dim symbol in (Dim[])[Dim.T, Dim.R, Dim.N])
        {
            best = Narrow(best, Extent(best.Op, symbol), At(best, symbol), (o, first, end) => Reductions.Symbol(o, symbol, first, end));
        }

        if (best.Op.Op is Linear)
        {
            best = Narrow(best, best.Op.Operands[1].Type.Shape[0].Constant, best.Fault.Index[1], Reductions.WeightRows);
        }

        if (best.Op.Op is GatherRows && Reductions.UsedRows(best.Op) is { } compact && Fault(compact) is { } still)
        {
            best = (compact, still);
        }

        return best;
    }

    /// <summary>What is wrong with an op on the device; null if nothing is, or if the device does not run it.</summary>
    public OpFault? Fault(SingleOp op)
    {
        try
        {
            (SingleOp asked, string? refusal) = op.AsAsked(device);
            return refusal is null ? asked.Judge(asked.Launch(device), device.Capabilities) : null;
        }
        catch (RefusedException)
        {
            // A smaller op may break a rule that the whole one keeps.
            return null;
        }
    }

    /// <summary>The first or the worst place alone, else the shortest power of two from the first on, or around the worst, that still fails.</summary>
    private (SingleOp Op, OpFault Fault) Narrow(
        (SingleOp Op, OpFault Fault) best, long extent, long? worst, Func<SingleOp, long, long, SingleOp> cut)
    {
        if (extent <= 1)
        {
            return best;
        }

        SingleOp whole = best.Op;
        List<(long First, long End)> tries = worst is { } at ? [(0, 1), (at, at + 1)] : [(0, 1)];
        for (long length = 2; length < extent; length *= 2)
        {
            tries.Add((0, length));
            if (worst is { } place)
            {
                long first = Math.Clamp(place - (length / 2), 0, extent - length);
                tries.Add((first, first + length));
            }
        }

        foreach ((long first, long end) in tries)
        {
            SingleOp smaller = cut(whole, first, end);
            if (Fault(smaller) is { } fault)
            {
                return (smaller, fault);
            }
        }

        return best;
    }

    /// <summary>Symbols that no operand has are 1.</summary>
    private static SingleOp WithoutUnused(SingleOp op)
    {
        long Used(Dim symbol, long value) => op.Operands.Any(o => o.Type.Shape.Dims.Contains(symbol)) ? value : 1;
        Bindings bound = op.Bindings;
        return op with { Bindings = bound with { T = Used(Dim.T, bound.T), N = Used(Dim.N, bound.N), R = Used(Dim.R, bound.R) } };
    }

    /// <summary>The value of a symbol that shrinks; 1 for one that none of the op's operands has, or that others fix.</summary>
    private static long Extent(SingleOp op, Dim symbol)
    {
        bool isFixed = op.Op is Attention or AttentionBlock && symbol == Dim.N;
        return !isFixed && op.Operands.Any(o => o.Type.Shape.Dims.Contains(symbol)) ? symbol.Resolve(op.Bindings) : 1;
    }

    /// <summary>Where on the symbol's axis the worst element lies; null where the result has no such axis.</summary>
    private static long? At((SingleOp Op, OpFault Fault) best, Dim symbol)
    {
        int axis = best.Op.ResultTypes[best.Fault.Result].Shape.Dims.IndexOf(symbol);
        return axis < 0 ? null : best.Fault.Index[axis];
    }
}
