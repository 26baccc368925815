using System.Collections.Immutable;
using HeteroQwen.Ir;
using Silk.NET.OpenCL;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>binary</c>. Any strides, broadcasting as strides of 0; an immediate is an operand of one element.</summary>
internal sealed unsafe class BinaryKernel : ClKernel
{
    private readonly Walk _walk;
    private readonly long[] _left;
    private readonly long[] _right;
    private readonly bool _isLeft;
    private readonly bool _isRight;
    private readonly float _immediate;
    private ClFunction? _function;
    private nint _memory;

    public BinaryKernel(OpDescriptor op, OpenClDevice device)
        : base(device, op)
    {
        _walk = new Walk(3, Tuning.Block);
        _left = new long[op.Results[0].Rank];
        _right = new long[op.Results[0].Rank];
        _isLeft = op.Attributes.TryGet("lhs", out AttributeValue value);
        _isRight = !_isLeft && op.Attributes.TryGet("rhs", out value);
        if (_isLeft || _isRight)
        {
            bool whole = op.Operands[0].Element == ElementType.I32;
            _immediate = whole ? BitConverter.Int32BitsToSingle((int)value.Float64) : (float)value.Float64;
        }
    }

    protected override void Build()
    {
        (string kind, string a, string b, string result) = Types(Op.Attributes.Text("kind"), Op.Operands[0].Element);
        _function = Function("binary.cl", $"-D BLOCK={Tuning.Block} -D APPLY=apply_{kind} -D A={a} -D B={b} -D R={result}", "binary", Tuning.Lanes);
        if (_isLeft || _isRight)
        {
            Own(new Immediate(Device, _immediate, out _memory));
        }
    }

    protected override ImmutableArray<(int Operand, int Result)> InPlace() => SameLayout();

    protected override Status Enqueue(nint queue)
    {
        TensorSlot? a = _isLeft ? null : Operands[0];
        TensorSlot? b = _isRight ? null : Operands[^1];
        Broadcast(a, _left);
        Broadcast(b, _right);
        _walk.Set(Results[0].Dims, _left, _right, Results[0].Strides);
        ClFunction function = _function!.Begin().Tensor(a?.Memory ?? _memory, a?.Offset ?? 0).Tensor(b?.Memory ?? _memory, b?.Offset ?? 0);
        return _walk.Arguments(function.Tensor(Results[0])).RunItems(queue, _walk.Units);
    }

    /// <summary>The expression of the source and its types; sums of integers wrap, which in C only unsigned ones do.</summary>
    private static (string Kind, string A, string B, string Result) Types(string kind, ElementType element) => (kind, element) switch
    {
        ("eq" or "lt" or "le", ElementType.F32) => (kind, "float", "float", "uchar"),
        ("eq" or "lt" or "le", _) => (kind, "int", "int", "uchar"),
        ("and", _) => (kind, "uchar", "uchar", "uchar"),
        ("masked_fill", _) => (kind, "float", "uchar", "float"),
        ("min", ElementType.F32) => ("least", "float", "float", "float"),
        ("max", ElementType.F32) => ("most", "float", "float", "float"),
        (_, ElementType.F32) => (kind, "float", "float", "float"),
        ("min" or "max", _) => (kind, "int", "int", "int"),
        _ => (kind, "uint", "uint", "uint"),
    };

    /// <summary>Strides of an operand over the result's axes; 0 for those that it repeats along.</summary>
    private static void Broadcast(TensorSlot? operand, long[] strides)
    {
        Array.Clear(strides);
        for (int i = 1; i <= (operand?.Rank ?? 0); i++)
        {
            strides[^i] = operand!.Dims[^i] == 1 ? 0 : operand.Strides[^i];
        }
    }

    /// <summary>Four bytes of device memory with a number in them.</summary>
    private sealed class Immediate : IDisposable
    {
        private readonly OpenClDevice _device;
        private readonly nint _memory;

        public Immediate(OpenClDevice device, float value, out nint memory)
        {
            StatusException.ThrowIfError(device.Memory.Create(sizeof(float), MemFlags.ReadWrite, out memory));
            (_device, _memory) = (device, memory);
            int error = device.Cl.EnqueueWriteBuffer(device.TransferQueue, memory, true, 0, sizeof(float), &value, 0, null, (nint*)null);
            if (error != ClErrors.Success)
            {
                Dispose();
                throw new StatusException(ClErrors.Of(error, $"{device.Label}: writing an immediate"));
            }
        }

        public void Dispose() => _device.Memory.Release(_memory, sizeof(float));
    }
}
