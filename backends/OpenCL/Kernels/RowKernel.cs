using System.Collections.Immutable;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary>
/// The ops that take a row in each group: <c>rms_norm</c>, <c>softmax</c>, <c>rope</c>, <c>qk_norm_rope</c>, <c>top_k</c> and
/// <c>moe_route</c>. Operands are dense.
/// </summary>
internal sealed class RowKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op)
{
    private readonly float _eps = op.Attributes.TryGet("eps", out AttributeValue eps) ? (float)eps.Float64 : 0;
    private readonly long _k = op.Attributes.TryGet("k", out AttributeValue k) ? k.Int64 : 0;
    private readonly long _renormalise = op.Attributes.TryGet("renormalise", out AttributeValue value) ? value.Int64 : 0;
    private ClFunction? _function;

    protected override void Build()
    {
        string weight = Op.Name is "rms_norm" or "qk_norm_rope" ? $"-D W={Op.Operands[1].Element.Name()}" : "";
        _function = Op.Name switch
        {
            "rms_norm" => Function("norm.cl", $"-D RMS_NORM {weight}", "rms_norm", Tuning.Lanes),
            "softmax" => Function("norm.cl", "-D SOFTMAX", "softmax", Tuning.Lanes),
            "rope" or "qk_norm_rope" => Function("norm.cl", $"-D ROPE {weight}", "rope", Tuning.Lanes),
            "top_k" => Function("topk.cl", "-D TOP_K", "top_k", Tuning.Lanes),
            _ => Function("topk.cl", "", "moe_route", Tuning.Lanes),
        };
    }

    protected override ImmutableArray<(int Operand, int Result)> InPlace() =>
        Op.Name is "top_k" or "moe_route" ? [] : [.. SameLayout().Where(p => p.Operand == 0)];

    protected override Status Enqueue(nint queue)
    {
        TensorSlot x = Operands[0];
        long rows = x.Rank == 0 ? 1 : x.Product(0, x.Rank - 1);
        ClFunction function = _function!.Begin();
        foreach (TensorSlot operand in Operands)
        {
            function.Tensor(operand);
        }

        foreach (TensorSlot result in Results)
        {
            function.Tensor(result);
        }

        switch (Op.Name)
        {
            case "rms_norm":
                function.Int(x.Last).Float(_eps);
                break;
            case "softmax":
                function.Long(x.Last);
                break;
            case "rope":
                rows = x.Dims[0] * x.Dims[1];
                function.Int(x.Dims[1]).Int(x.Last);
                break;
            case "qk_norm_rope":
                function.Int(x.Dims[1]).Int(x.Last).Float(_eps);
                break;
            case "top_k":
                function.Int(x.Last).Int(_k);
                break;
            default:
                function.Int(x.Last).Int(_k).Int(_renormalise);
                break;
        }

        return function.Run(queue, rows);
    }
}
