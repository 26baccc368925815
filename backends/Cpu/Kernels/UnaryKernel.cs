using System.Numerics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

internal readonly struct Negate : IUnaryFunction
{
    public static Vector<float> Invoke(Vector<float> x) => -x;
}

internal readonly struct Exponential : IUnaryFunction
{
    public static Vector<float> Invoke(Vector<float> x) => Vector.Exp(x);
}

internal readonly struct ReciprocalRoot : IUnaryFunction
{
    public static Vector<float> Invoke(Vector<float> x) => Vector<float>.One / Vector.SquareRoot(x);
}

internal readonly struct Reciprocal : IUnaryFunction
{
    public static Vector<float> Invoke(Vector<float> x) => Vector<float>.One / x;
}

/// <summary>x / (1 + e^-x), written with e^-|x| so that no exponential overflows.</summary>
internal readonly struct Sigmoidal : IUnaryFunction
{
    public static Vector<float> Invoke(Vector<float> x)
    {
        Vector<float> e = Vector.Exp(-Vector.Abs(x));
        Vector<float> numerator = Vector.ConditionalSelect(Vector.LessThan(x, Vector<float>.Zero), x * e, x);
        return numerator / (Vector<float>.One + e);
    }
}

/// <summary><c>unary</c> and <c>silu</c>: y[i] = f(x[i]). Any strides of x.</summary>
internal sealed unsafe class UnaryKernel : CpuKernel
{
    private const long CostPerElement = 2;

    private readonly Walk _walk;
    private readonly Work _work;
    private readonly delegate*<float*, float*, long, void> _map;

    public UnaryKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(Walk.Block))
    {
        _walk = new Walk(op.Results[0].Rank, 2);
        _work = Run;
        _map = (op.Name == "silu" ? op.Name : op.Attributes.Text("kind")) switch
        {
            "silu" => &Lanes.Map<Sigmoidal>,
            "neg" => &Lanes.Map<Negate>,
            "exp" => &Lanes.Map<Exponential>,
            "rsqrt" => &Lanes.Map<ReciprocalRoot>,
            "reciprocal" => &Lanes.Map<Reciprocal>,
            string kind => throw new ArgumentException($"unary has no kind {kind}"),
        };
        Info = Info with { InPlace = SameLayout(op) };
    }

    protected override Status Run(in Bindings bindings)
    {
        _walk.Set(Results[0].Dims, Operands[0].Strides, Results[0].Strides);
        Pool.Run(_work, _walk.Units, CostPerElement * _walk.UnitElements);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        for (long unit = begin; unit < end; unit++)
        {
            byte* from = (byte*)((float*)Operands[0].Data + _walk.Offset(0, unit));
            float* x = Widening.Row(ElementType.F32, from, _walk.Inner(0), _walk.Count(unit), Pool.Scratch(worker));
            _map(x, (float*)Results[0].Data + _walk.Offset(1, unit), _walk.Count(unit));
        }
    }
}
