namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>silu: y = x / (1 + exp(-x)). swiglu: y = silu(gate) * up.</summary>
internal static class SiluKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor x, Tensor result) = (launch.Operands[0], launch.Results[0]);
        Span<double> values = launch.Scratch.Doubles(0, x.Width);
        for (long row = 0; row < x.Rows; row++)
        {
            x.Read(x.Row(row), values);
            foreach (ref double value in values)
            {
                value = Rows.Silu(value);
            }

            result.Write(result.Row(row), values);
        }
    }

    public static void RunGated(in Launch launch)
    {
        (Tensor gate, Tensor up, Tensor result) = (launch.Operands[0], launch.Operands[1], launch.Results[0]);
        Span<double> gates = launch.Scratch.Doubles(0, gate.Width);
        Span<double> ups = launch.Scratch.Doubles(1, gate.Width);
        for (long row = 0; row < gate.Rows; row++)
        {
            gate.Read(gate.Row(row), gates);
            up.Read(up.Row(row), ups);
            for (int i = 0; i < gates.Length; i++)
            {
                gates[i] = Rows.Silu(gates[i]) * ups[i];
            }

            result.Write(result.Row(row), gates);
        }
    }
}
