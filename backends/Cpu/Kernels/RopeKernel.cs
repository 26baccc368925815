using System.Numerics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>rope</c> and <c>qk_norm_rope</c>: with h = D / 2, y[i] = x[i] cos[i] - x[i + h] sin[i] and
/// y[i + h] = x[i + h] cos[i + h] + x[i] sin[i + h], x normalised first in the second op. A unit is a head of a token. Any strides
/// of x, cos and sin.
/// </summary>
internal sealed unsafe class RopeKernel : CpuKernel
{
    private readonly Work _work;
    private readonly NormWeight? _weight;
    private readonly double _eps;
    private readonly int _cos;
    private readonly long _pad;

    public RopeKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(4 * Most(op, 0, -1)))
    {
        _work = Run;
        _cos = 1;
        _pad = Most(op, 0, -1);
        if (op.Name == "qk_norm_rope")
        {
            _cos = 2;
            _eps = op.Attributes.Float64("eps");
            _weight = new NormWeight(Operands[1], op.Operands[1]);
            bool keeps = Operands.Where((o, i) => i != 1 && o.KeepsHostBytes).Any();
            Info = Info with { KeepsHostConstants = keeps, ConstantBytes = Info.ConstantBytes + _weight.Bytes };
        }

        Info = Info with { InPlace = [.. SameLayout(op).Where(p => p.Operand == 0)] };
    }

    /// <summary>Turns one head; y may be x.</summary>
    public static void Rotate(float* x, float* cos, float* sin, float* y, long half)
    {
        long i = 0;
        for (; i <= half - Vector<float>.Count; i += Vector<float>.Count)
        {
            Vector<float> a = Vector.Load(x + i);
            Vector<float> b = Vector.Load(x + half + i);
            Vector<float> first = (a * Vector.Load(cos + i)) - (b * Vector.Load(sin + i));
            ((b * Vector.Load(cos + half + i)) + (a * Vector.Load(sin + half + i))).Store(y + half + i);
            first.Store(y + i);
        }

        for (; i < half; i++)
        {
            (float a, float b) = (x[i], x[half + i]);
            y[i] = (a * cos[i]) - (b * sin[i]);
            y[half + i] = (b * cos[half + i]) + (a * sin[half + i]);
        }
    }

    public override void Dispose()
    {
        base.Dispose();
        _weight?.Dispose();
    }

    protected override Status Run(in Bindings bindings)
    {
        _weight?.Bind();
        Pool.Run(_work, Operands[0].Dims[0] * Operands[0].Dims[1], Operands[0].Last);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        TensorView x = Operands[0];
        (long heads, long length) = (x.Dims[1], x.Last);
        float* scratch = Pool.Scratch(worker);
        for (long unit = begin; unit < end; unit++)
        {
            float* row = x.FloatRow(unit, scratch);
            if (_weight is not null)
            {
                float* normed = scratch + _pad;
                RmsNormKernel.Row(row, _weight.Data, _eps, normed, length);
                row = normed;
            }

            float* cos = Operands[_cos].FloatRow(unit / heads, scratch + (2 * _pad));
            float* sin = Operands[_cos + 1].FloatRow(unit / heads, scratch + (3 * _pad));
            Rotate(row, cos, sin, (float*)Results[0].Data + (unit * length), length / 2);
        }
    }
}
