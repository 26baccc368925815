namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>The operands, joined on an axis where there are several, in the result's type.</summary>
internal static class CopyKernel
{
    public static void Run(in Launch launch)
    {
        Tensor result = launch.Results[0];
        bool joins = launch.Attributes.TryGet("axis", out Ir.AttributeValue axis);
        long at = 0;
        foreach (Tensor x in launch.Operands)
        {
            CopyTo(launch, x, result.Window(x.Dims, at));
            at += joins ? x.Dims[axis.Int64] * result.Strides[axis.Int64] : 0;
        }
    }

    private static void CopyTo(in Launch launch, in Tensor x, in Tensor result)
    {
        Span<double> values = launch.Scratch.Doubles(0, x.Width);
        for (long row = 0; row < x.Rows; row++)
        {
            if (x.Element == result.Element)
            {
                x.MoveRow(x.Row(row), result, result.Row(row));
            }
            else
            {
                x.Read(x.Row(row), values);
                result.Write(result.Row(row), values);
            }
        }
    }
}
