using System.Runtime.InteropServices;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary><c>binary</c>. Any strides, broadcasting as strides of 0; an immediate is an operand of one element.</summary>
internal sealed unsafe class BinaryKernel : CpuKernel
{
    private readonly Walk _walk;
    private readonly Work _work;
    private readonly long[] _stridesA;
    private readonly long[] _stridesB;
    private readonly delegate*<byte*, long, byte*, long, byte*, long, void> _loop;
    private readonly int _a;
    private readonly int _b;
    private void* _immediate;

    public BinaryKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool)
    {
        int rank = op.Results[0].Rank;
        _walk = new Walk(rank, 3);
        _work = Run;
        _stridesA = new long[rank];
        _stridesB = new long[rank];
        bool left = op.Attributes.TryGet("lhs", out AttributeValue immediate);
        bool one = left || op.Attributes.TryGet("rhs", out immediate);
        (_a, _b) = left ? (-1, 0) : one ? (0, -1) : (0, 1);
        if (one)
        {
            _immediate = NativeMemory.Alloc(sizeof(float));
            if (op.Operands[0].Element == ElementType.I32)
            {
                *(int*)_immediate = (int)immediate.Float64;
            }
            else
            {
                *(float*)_immediate = (float)immediate.Float64;
            }
        }

        string kind = op.Attributes.Text("kind");
        _loop = op.Operands[0].Element == ElementType.I32 ? LoopOf<int>(kind) : FloatLoop(kind);
        Info = Info with { InPlace = SameLayout(op) };
    }

    public override void Dispose()
    {
        base.Dispose();
        NativeMemory.Free(_immediate);
        _immediate = null;
    }

    protected override Status Run(in Bindings bindings)
    {
        TensorView result = Results[0];
        Broadcast(_a, _stridesA);
        Broadcast(_b, _stridesB);
        _walk.Set(result.Dims, _stridesA, _stridesB, result.Strides);
        Pool.Run(_work, _walk.Units, _walk.UnitElements);
        return Status.Ok;
    }

    private static delegate*<byte*, long, byte*, long, byte*, long, void> FloatLoop(string kind) => kind switch
    {
        "div" => &BinaryLoops.Vectors<float, Divide>,
        "and" => &BinaryLoops.Scalars<byte, byte, bool, And>,
        "masked_fill" => &BinaryLoops.Scalars<float, byte, float, MaskedFill>,
        _ => LoopOf<float>(kind),
    };

    private static delegate*<byte*, long, byte*, long, byte*, long, void> LoopOf<T>(string kind)
        where T : unmanaged, System.Numerics.INumber<T> => kind switch
        {
            "add" => &BinaryLoops.Vectors<T, Add<T>>,
            "sub" => &BinaryLoops.Vectors<T, Subtract<T>>,
            "mul" => &BinaryLoops.Vectors<T, Multiply<T>>,
            "min" => &BinaryLoops.Vectors<T, Minimum<T>>,
            "max" => &BinaryLoops.Vectors<T, Maximum<T>>,
            "eq" => &BinaryLoops.Scalars<T, T, bool, Equal<T>>,
            "lt" => &BinaryLoops.Scalars<T, T, bool, Less<T>>,
            "le" => &BinaryLoops.Scalars<T, T, bool, LessOrEqual<T>>,
            _ => throw new ArgumentException($"binary has no kind {kind}"),
        };

    /// <summary>Strides of an operand over the result's axes; 0 for those that it repeats along.</summary>
    private void Broadcast(int operand, long[] strides)
    {
        Array.Clear(strides);
        if (operand < 0)
        {
            return;
        }

        TensorView view = Operands[operand];
        for (int i = 1; i <= view.Rank; i++)
        {
            strides[^i] = view.Dims[^i] == 1 ? 0 : view.Strides[^i];
        }
    }

    private void Run(int worker, long begin, long end)
    {
        byte* a = _a < 0 ? (byte*)_immediate : Operands[_a].Data;
        byte* b = _b < 0 ? (byte*)_immediate : Operands[_b].Data;
        int bytesA = Operands[Math.Max(_a, 0)].ElementBytes;
        int bytesB = Operands[Math.Max(_b, 0)].ElementBytes;
        for (long unit = begin; unit < end; unit++)
        {
            _loop(
                a + (_walk.Offset(0, unit) * bytesA), _walk.Inner(0),
                b + (_walk.Offset(1, unit) * bytesB), _walk.Inner(1),
                Results[0].Data + (_walk.Offset(2, unit) * Results[0].ElementBytes), _walk.Count(unit));
        }
    }
}
