// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {IDisputes} from "../../src/disputes/IDisputes.sol";
import {Game} from "./Game.sol";
import {Trees} from "./Trees.sol";
import {World} from "./World.sol";

/// @notice What each move costs as a transaction of its own, at its worst: full leaves, sixteen nodes, a checkpoint of 96 tensors in
/// a trace of 1,000. What the judge costs is in JudgeGas.
contract DisputesGasTest is Game {
    bool public constant IS_TEST = true;

    /// MOVE_BOND is for this much, whatever the move; a judgement, or a checkpoint composed, counts as twenty.
    uint256 private constant A_MOVE = 500_000;

    /// @dev The whole transaction, with that many bytes of calldata, none of them zero: EIP-7623.
    function measured(string memory name, uint256 size, uint256 limit) private {
        uint256 execution = vm.snapshotGasLastCall("Disputes", name);
        uint256 whole = 21_000 + 16 * size + execution;
        if (whole < 21_000 + 40 * size) whole = 21_000 + 40 * size;
        yes(whole <= limit, name);
    }

    function nodesOf(uint256 count) private pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = keccak256(abi.encode("leaf", i));
        }
    }

    function test_gasOfTheOpening() external {
        uint256 id = claimed(honest().root);
        measured("claim", 228, A_MOVE);
        uint256 game = challenged(id, CHALLENGER);
        measured("challenge", 228, A_MOVE);
        uint256 other = challenged(id, FRIEND);
        vm.warp(block.timestamp + 3 * BUDGET);
        disputes.timeout(game);
        measured("timeout", 36, A_MOVE);
        disputes.release(other);
        measured("release", 36, A_MOVE);
        gvm.prank(CHALLENGER);
        disputes.withdraw();
        measured("withdraw", 4, A_MOVE);
        id = claimed(honest().root);
        vm.warp(block.timestamp + WINDOW + 1);
        disputes.settle(id);
        measured("settle", 36, A_MOVE);
    }

    function test_gasOfADescent() external {
        bytes32[] memory leaves = nodesOf(256);
        terms.steps = 256;
        uint256 game = challenged(claimed(Trees.root(leaves)), CHALLENGER);
        bytes32[] memory nodes = Trees.frontier(leaves, 0, 256, 4);
        eq(nodes.length, 16, "nodes");
        yes(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
        measured("reveal", 612, A_MOVE);
        yes(_send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, 15, nodes))), "picked");
        measured("pick", 644, A_MOVE);
    }

    function test_gasOfTheLevels() external {
        play(World.Lie(1, World.SUM, 5, 0x00400000), "");
        play(World.Lie(1, World.NORM, 0, 0x00400000), "");
        play(World.Lie(1, World.W, 0, 1), "openSlot, state");
        play(World.Lie(1, World.X, 0, 1), "openSlot, data");
        play(World.Lie(1, World.T, 0, 1), "openSlot, fixed");
    }

    /// @dev The truth against whoever is wrong about one place.
    function play(World.Lie memory place, string memory slotName) private {
        World.State memory truth = honest();
        World.State memory theirs = World.run(place);
        uint256 game = challenged(claimed(truth.root), CHALLENGER);
        while (!over(game)) {
            IDisputes.Phase phase = disputes.gameOf(game).phase;
            yes(step(game, truth, theirs, 0), "a move");
            if (phase == IDisputes.Phase.Step) measured("openStep", 1028, A_MOVE);
            if (phase == IDisputes.Phase.Slot) {
                measured(bytes(slotName).length == 0 ? "openSlot, output" : slotName, 1956, A_MOVE);
            }
            if (phase == IDisputes.Phase.Leaf) measured("openLeaf, 4 KiB", 4196, A_MOVE);
            if (phase == IDisputes.Phase.Element) measured("pickElement, 4 KiB", 5500, A_MOVE);
            if (phase == IDisputes.Phase.Fold) measured("postFold, 17 accumulators", 1956, A_MOVE);
            if (phase == IDisputes.Phase.Chunk) measured("pickChunk, 17 accumulators", 740, A_MOVE);
        }
    }

    /// @dev A checkpoint of 96 tensors and its metadata, composed from a trace of 1,000 slots.
    function test_gasOfComposing() external {
        uint256 count = 97;
        uint256 slots = 1000;
        bytes32[] memory roots = nodesOf(slots);
        bytes32[] memory program = nodesOf(slots);
        IDisputes.Slot memory last;
        last.kind = IDisputes.Kind.Compose;
        last.inputs = new uint32[](count);
        last.names = new bytes[](count - 1);
        bytes32[] memory checkpoint = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            last.inputs[i] = uint32(900 + i);
            checkpoint[i] = roots[900 + i];
            if (i == count - 1) continue;
            last.names[i] =
                bytes.concat("model.layers.12.mlp.gate_proj.weight", hex"00", "F32", hex"0240000000ac000000");
            checkpoint[i] = sha256(bytes.concat(hex"00", last.names[i], roots[900 + i]));
        }
        roots[slots - 1] = Trees.root(checkpoint);
        program[slots - 1] = sha256(bytes.concat(hex"00", abi.encode(last)));
        bytes32[] memory leaves = new bytes32[](slots);
        for (uint256 i; i < slots; ++i) {
            leaves[i] = sha256(bytes.concat(hex"00", roots[i]));
        }
        terms.steps = 1;
        terms.slots = uint32(slots);
        terms.program = Trees.root(program);
        uint256 game = challenged(claimed(leaves[slots - 1]), CHALLENGER);
        _toTheLast(game, leaves, roots[slots - 1]);
        _compose(game, last, program, roots, leaves);
    }

    /// @dev Opens the only step, and goes down its trace to the last slot.
    function _toTheLast(uint256 game, bytes32[] memory leaves, bytes32 afterwards) private {
        bytes32 trace = Trees.root(leaves);
        bytes32[] memory proof = Trees.proof(leaves, leaves.length - 1);
        bytes32[] memory none;
        bytes memory move =
            abi.encodeCall(IDisputes.openStep, (game, terms, afterwards, terms.initial, none, trace, proof));
        yes(_send(CLAIMANT, move), "opened");
        IDisputes.Game memory g = disputes.gameOf(game);
        while (g.phase == IDisputes.Phase.Slots) {
            bytes32[] memory nodes = Trees.frontier(leaves, g.first, g.size, 4);
            yes(_send(CLAIMANT, abi.encodeCall(IDisputes.reveal, (game, nodes))), "revealed");
            yes(_send(CHALLENGER, abi.encodeCall(IDisputes.pick, (game, nodes.length - 1, nodes))), "picked");
            g = disputes.gameOf(game);
        }
    }

    function _compose(
        uint256 game,
        IDisputes.Slot memory last,
        bytes32[] memory program,
        bytes32[] memory roots,
        bytes32[] memory leaves
    ) private {
        IDisputes.Input[] memory inputs = new IDisputes.Input[](last.inputs.length);
        for (uint256 i; i < inputs.length; ++i) {
            inputs[i] = IDisputes.Input(roots[last.inputs[i]], Trees.proof(leaves, last.inputs[i]));
        }
        bytes32 tensor = roots[roots.length - 1];
        bytes32[] memory proof = Trees.proof(program, program.length - 1);
        bytes memory move = abi.encodeCall(IDisputes.openSlot, (game, terms, last, proof, tensor, inputs));
        yes(_send(CLAIMANT, move), "composed");
        measured("openSlot, compose of 96 tensors", move.length, 20 * A_MOVE);
        eq(disputes.credit(CLAIMANT), disputes.challengeBond(terms), "and won");
    }
}
