using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>
/// <c>moe_ffn</c> without the host: the pairs (token, j) sorted by expert; gate and up of each pair; swiglu; down; the weighted sum.
/// <para>Workspace: starts [E + 1], order [pairs], gates [pairs, F], ups [pairs, F], outputs [pairs, K].</para>
/// </summary>
internal sealed class MoeFfnKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private const int X = 0, Weights = 1, Index = 2, Gate = 3, Up = 4, Down = 5;
    private const long Alignment = 64;

    private readonly long _experts = op.Operands[Gate].Dims[0].Constant;
    private readonly long _ffn = op.Operands[Gate].Dims[1].Constant;
    private readonly long _hidden = op.Operands[Gate].Dims[2].Constant;
    private readonly LinearFunction _first = new(device, op.Operands[Gate].Element, op.Operands[Gate].Dims[2].Constant);
    private readonly LinearFunction _second = new(device, op.Operands[Down].Element, op.Operands[Down].Dims[2].Constant);
    private readonly Walk _walk = new(3, device.Tuning.Block);
    private readonly long[] _count = new long[1];
    private readonly long[] _one = [1];
    private ClFunction? _sort;
    private ClFunction? _gateUp;
    private ClFunction? _swiGlu;
    private ClFunction? _down;
    private ClFunction? _combine;

    protected override void Build()
    {
        _sort = Function("moe.cl", "-D SORTS", "sort_pairs", Tuning.Lanes);
        _combine = Function("moe.cl", $"-D COMBINES -D BLOCK={Tuning.Block}", "combine", Tuning.Lanes);
        _swiGlu = Function("activation.cl", ActivationKernel.DefinitionsOf(Tuning, "silu", true), "activation", Tuning.Lanes);
        _gateUp = Function("linear.cl", $"{_first.Definitions} -D INDEXED", "linear", Tuning.Lanes);
        _down = Function("linear.cl", $"{_second.Definitions} -D INDEXED", "linear", Tuning.Lanes);
    }

    protected override bool SplitsConstant(int operand) => operand >= Gate;

    protected override long WorkspaceBytes(in Bindings bindings) => LayOut(Op.Operands[Index].Elements(bindings)).End;

    protected override Status Enqueue(nint queue)
    {
        long pairs = Operands[Index].Elements;
        Layout at = LayOut(pairs);
        Status status = _sort!.Begin().Tensor(Operands[Index]).Tensor(Workspace, WorkspaceOffset).Tensor(Workspace, WorkspaceOffset + at.Order)
            .Int(pairs).Int(_experts).Run(queue, 1);
        status = status.IsOk ? Multiply(queue, _gateUp!, _first, Gate, Operands[X].Memory, Operands[X].Offset, at, at.Gates) : status;
        status = status.IsOk ? Multiply(queue, _gateUp!, _first, Up, Operands[X].Memory, Operands[X].Offset, at, at.Ups) : status;
        status = status.IsOk ? SwiGlu(queue, pairs, at) : status;
        status = status.IsOk ? Multiply(queue, _down!, _second, Down, Workspace, WorkspaceOffset + at.Gates, at, at.Outputs) : status;
        return status.IsOk ? Combine(queue, at) : status;
    }

    /// <summary>y[pair] = weights[expert of pair] . x, a launch for each piece of a large weight.</summary>
    private Status Multiply(
        nint queue, ClFunction function, LinearFunction linear, int operand, nint x, long xOffset, in Layout at, long y)
    {
        TensorSlot weight = Operands[operand];
        (long rows, long length) = (weight.Dims[1], weight.Dims[2]);
        long divisor = operand == Down ? 1 : Operands[Index].Dims[1];
        Status status = Status.Ok;
        for (int i = 0; i < weight.PartCount && status.IsOk; i++)
        {
            TensorPart part = weight.Part(i);
            function.Begin().Tensor(x, xOffset).Tensor(part).Tensor(Workspace, WorkspaceOffset + y)
                .Int(0).Int(rows).Int(length).Long(weight.Element.Bytes(length)).Int(rows).Int(0)
                .Tensor(Workspace, WorkspaceOffset).Tensor(Workspace, WorkspaceOffset + at.Order).Int(part.First).Int(divisor);
            status = linear.Panel(function).Run(queue, linear.Groups(rows), part.Rows);
        }

        return status;
    }

    private Status SwiGlu(nint queue, long pairs, in Layout at)
    {
        _count[0] = pairs * _ffn;
        _walk.Set(_count, _one, _one, _one);
        ClFunction function = _swiGlu!.Begin().Tensor(Workspace, WorkspaceOffset + at.Gates).Tensor(Workspace, WorkspaceOffset + at.Ups)
            .Tensor(Workspace, WorkspaceOffset + at.Gates);
        return _walk.Arguments(function).RunItems(queue, _walk.Units);
    }

    private Status Combine(nint queue, in Layout at)
    {
        long blocks = (_hidden + Tuning.Block - 1) / Tuning.Block;
        long items = Operands[X].Dims[0] * blocks;
        return _combine!.Begin().Tensor(Workspace, WorkspaceOffset + at.Outputs).Tensor(Operands[Weights]).Tensor(Results[0])
            .Int(Operands[Index].Dims[1]).Int(_hidden).Int(blocks).Long(items).RunItems(queue, items);
    }

    private Layout LayOut(long pairs)
    {
        long order = Aligned((_experts + 1) * sizeof(int));
        long gates = checked(order + Aligned(pairs * sizeof(int)));
        long width = Aligned(checked(pairs * _ffn * sizeof(float)));
        long outputs = checked(gates + (2 * width));
        return new(order, gates, gates + width, outputs, checked(outputs + (pairs * _hidden * sizeof(float))));
    }

    private static long Aligned(long bytes) => (bytes + Alignment - 1) / Alignment * Alignment;

    /// <summary>Bytes from the start of the workspace.</summary>
    private readonly record struct Layout(long Order, long Gates, long Ups, long Outputs, long End);
}
