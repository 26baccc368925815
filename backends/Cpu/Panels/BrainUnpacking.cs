using System.Runtime.Intrinsics;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Panels;

/// <summary>
/// Makes of a packed panel of a quantised type a BF16 panel, bf16[K/2][16][2]: each element dequantised as its format defines it and
/// rounded to nearest even. Scalar equivalent: to[k, n] = bf16(step (code - offset) - min), each operation rounded to f32.
/// Lanes are the 16 columns of the panel, 4 elements of k to a lane; what comes out are two pairs to a lane.
/// </summary>
internal sealed unsafe class BrainUnpacking(ElementType type, long length)
{
    private const int Columns = PanelLayout.Columns;
    private const int QuadBytes = 4 * Columns;

    private readonly PanelUnpacking _unpacking = new(type, length);

    public long ScratchBytes => checked(_unpacking.CodesBytes + _unpacking.StepsBytes + _unpacking.MinsBytes);

    public void Unpack(byte* panel, byte* to, byte* scratch)
    {
        float* steps = (float*)(scratch + _unpacking.CodesBytes);
        float* mins = (float*)(scratch + _unpacking.CodesBytes + _unpacking.StepsBytes);
        byte* codes = _unpacking.CodesBytes == 0 ? panel : scratch;
        if (codes == scratch)
        {
            _unpacking.Codes(panel, scratch);
        }

        _unpacking.Steps(panel, steps);
        _unpacking.Mins(panel, mins);
        int quads = PanelUnpacking.Group(type) / 4;
        for (long quad = 0; quad < length / 4; quad++)
        {
            Vector512<float> step = Vector512.Load(steps + (quad / quads * Columns));
            Vector512<float> min = type == ElementType.Q4_K ? Vector512.Load(mins + (quad / quads * Columns)) : Vector512<float>.Zero;
            Vector512<int> four = Vector512.Load((int*)(codes + (quad * QuadBytes)));
            uint* pairs = (uint*)(to + (2 * quad * QuadBytes));
            ((Value(four, step, min) >>> 16) | Value(four >>> 8, step, min)).Store(pairs);
            ((Value(four >>> 16, step, min) >>> 16) | Value(four >>> 24, step, min)).Store(pairs + Columns);
        }
    }

    private Vector512<uint> Value(Vector512<int> code, Vector512<float> step, Vector512<float> min)
    {
        Vector512<int> signed = (code & Vector512.Create(0xFF)) - Vector512.Create(PanelLayout.Offset(type));
        return Brain((Vector512.ConvertToSingle(signed) * step) - min);
    }

    /// <summary>The upper halves are the values rounded, the lower zero. A NaN stays one.</summary>
    private static Vector512<uint> Brain(Vector512<float> value)
    {
        Vector512<uint> bits = value.AsUInt32();
        Vector512<uint> rounded = bits + Vector512.Create(0x7FFFu) + ((bits >>> 16) & Vector512<uint>.One);
        Vector512<uint> nan = Vector512.IsNaN(value).AsUInt32();
        return Vector512.ConditionalSelect(nan, bits | Vector512.Create(0x40_0000u), rounded) & Vector512.Create(0xFFFF_0000u);
    }
}
