// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {Leaf, Node} from "../judge/Operands.sol";
import {Clock} from "./ChessClock.sol";

/// @title Claims about training runs, and the bisection game that refutes false ones
/// @notice A claim states the checkpoints that a program and data give, step by step, from a first
/// checkpoint. A challenger plays a game of its own against the claim. The claimant reveals nodes of its
/// commitments, and the challenger picks the first node that differs from what it computed, until one
/// element, or one chunk of its sum, is left for the judge. By picking a node the challenger concedes
/// everything before it. The judge therefore takes its inputs from the claimant's commitments before that
/// place. docs/verde.md describes the game move by move. There is no owner and no upgrade.
interface IDisputes {
    /// @notice What a claim is about. Whoever relies on a claim compares the hash of its terms with the terms
    /// it expects.
    struct Terms {
        /// Merkle root of the program's slots, each `abi.encode(Slot)`.
        bytes32 program;
        /// Merkle root of the data of all steps: `dataSlots` tensor roots for step 0, then for step 1, and so
        /// on.
        bytes32 data;
        /// Checkpoint root before the first step.
        bytes32 initial;
        uint32 steps;
        uint32 slots;
        uint32 dataSlots;
    }

    /// @notice Where the value of a slot comes from.
    enum Kind {
        /// A tensor of the checkpoint before the step.
        State,
        /// A tensor of the data, another one in each step.
        Data,
        /// A tensor that is the same in every step.
        Fixed,
        /// An output of an operator.
        Output,
        /// The checkpoint root after the step; always the last slot.
        Compose
    }

    /// @notice One entry of a step's trace: a tensor, or at the end the checkpoint root.
    struct Slot {
        Kind kind;
        /// State: index of the leaf in the checkpoint's tree. Data: index among the data of the step.
        uint32 place;
        /// State: number of leaves in the checkpoint's tree.
        uint32 count;
        /// State: the bytes before the tensor root in the checkpoint's leaf. Fixed: the tensor root.
        bytes name;
        /// Output: the operator.
        Node node;
        /// Output, Compose: the slots of the inputs, all before this one.
        uint32[] inputs;
        /// Compose: the `name` of each checkpoint leaf except the last. The last input is the leaf hash of
        /// the metadata.
        bytes[] names;
    }

    /// @notice The phase of a game, which says whose move of which kind is next.
    enum Phase {
        None,
        /// Descent in the tree of the checkpoint roots after each step.
        Steps,
        /// The claimant opens the step: the checkpoint roots before and after it, and the root of its trace.
        Step,
        /// Descent in the trace.
        Slots,
        /// The claimant opens the slot: its entry in the program and the tensor's root.
        Slot,
        /// Descent in the tensor.
        Leaves,
        /// The claimant opens the leaf.
        Leaf,
        /// The challenger picks an element.
        Element,
        /// The claimant posts the accumulators of the element's fold.
        Fold,
        /// The challenger picks a chunk.
        Chunk,
        /// Anyone opens the operands for the judge. The claimant's clock runs.
        Judge,
        /// The game has ended.
        Over
    }

    /// @notice What is stored of a claim.
    struct Claim {
        address claimant;
        uint64 windowEnd;
        uint32 liveGames;
        bool lost;
        bool settled;
        uint96 bond;
        /// Moves of the challengers in live games, the challenges included. Once the claim is lost: in games
        /// not paid yet.
        uint32 moves;
        /// Once the claim is lost, the part of the challengers' reward that is not paid yet.
        uint96 pot;
        bytes32 terms;
        bytes32 root;
    }

    /// @notice What is stored of a game.
    struct Game {
        uint256 claim;
        address challenger;
        uint96 bond;
        Clock clock;
        Phase phase;
        uint32 step;
        uint32 slot;
        /// The disputed subtree: its first leaf, its number of leaves, its hash (`node`), and the hash of the
        /// frontier that was revealed of it (`revealed`, 0 before).
        uint64 first;
        uint64 size;
        /// The challenger's moves so far, the challenge included. They determine its share of the reward.
        uint32 moves;
        bytes32 node;
        bytes32 revealed;
        bytes32 before;
        bytes32 trace;
        bytes32 slotHash;
        uint32 length;
        uint32 element;
        uint32 value;
        bytes32 accumulators;
        uint32 chunk;
        uint32 chunks;
        uint32 accumulatorBefore;
        uint32 accumulatorAfter;
    }

    /// @notice A tensor's root with the proof that it is in the trace.
    struct Input {
        bytes32 root;
        bytes32[] proof;
    }

    /// @notice A leaf with the proof that it is in its input.
    struct Opening {
        Leaf leaf;
        bytes32[] proof;
    }

    event Claimed(
        uint256 indexed claim, address indexed claimant, bytes32 indexed terms, bytes32 root, uint64 windowEnd
    );
    event Challenged(uint256 indexed claim, uint256 indexed game, address indexed challenger);
    event Revealed(uint256 indexed game, bytes32[] nodes);
    event Picked(uint256 indexed game, Phase phase, uint64 first, uint64 size);
    event StepOpened(uint256 indexed game, bytes32 before, bytes32 afterwards, bytes32 trace);
    event SlotOpened(uint256 indexed game, uint32 slot, bytes32 tensor);
    event LeafOpened(uint256 indexed game, bytes data);
    event ElementPicked(uint256 indexed game, uint32 element, uint32 value);
    event FoldPosted(uint256 indexed game, uint32[] accumulators);
    event ChunkPicked(uint256 indexed game, uint32 chunk);
    /// @notice The judge computed `got`; the claimant claimed `claimed`.
    event Judged(uint256 indexed game, uint256 got, uint256 claimed);
    event GameOver(uint256 indexed claim, uint256 indexed game, bool claimantWon);
    event Settled(uint256 indexed claim, bool stands);

    /// @notice The call did not send exactly the bond, which is `due`.
    error WrongBond(uint256 due);
    /// @notice The terms have no steps, more than can be repeated in `MAX_REPEAT_SECONDS`, or fewer than two
    /// slots, or the program cannot be disputed.
    error BadTerms();
    /// @notice The terms, the slot or the nodes are not those that were committed before.
    error NotAsCommitted();
    /// @notice The window for challenges is over.
    error WindowClosed();
    /// @notice The window for challenges is not over yet.
    error WindowOpen();
    /// @notice The claim has live games.
    error GamesLive();
    /// @notice The claim is lost or settled.
    error AlreadyDecided();
    /// @notice The phase of the game does not allow this move, or the sender is not the one to make it.
    error NotYourMove();
    /// @notice The side to move still has time.
    error StillInTime();
    /// @notice The data do not hash to what was committed, or do not fit it.
    error DoesNotHash();
    /// @notice The sender has no credit.
    error NothingToWithdraw();
    /// @notice The sender rejected the payment.
    error PaymentFailed();

    /// @notice Claims that under `terms` the checkpoint roots after each step have the Merkle root `root`.
    /// The call must send `claimBond(terms)`. The claim can be challenged for `windowOf(terms.steps)`
    /// seconds.
    function claim(Terms calldata terms, bytes32 root) external payable returns (uint256 id);

    /// @notice Opens a game against an undecided claim within its window. The call must send
    /// `challengeBond(terms)`. Each side's budget is `BUDGET` and the time to repeat the run's steps. The
    /// claimant's clock is its budget plus one extension for each live game of the claim, at most twice the
    /// budget. A claimant that always answers its oldest game has time for all games.
    function challenge(uint256 id, Terms calldata terms) external payable returns (uint256 game);

    /// @notice Claimant: reveals the nodes up to four levels below the disputed node.
    function reveal(uint256 id, bytes32[] calldata nodes) external;

    /// @notice Challenger: picks the first of the revealed nodes that differs from its own.
    function pick(uint256 id, uint256 index, bytes32[] calldata nodes) external;

    /// @notice Claimant: opens the disputed step, with the checkpoint roots before and after it and the root
    /// of its trace. The last slot of the trace is the root after the step.
    function openStep(
        uint256 id,
        Terms calldata terms,
        bytes32 afterwards,
        bytes32 before,
        bytes32[] calldata beforeProof,
        bytes32 trace,
        bytes32[] calldata lastProof
    ) external;

    /// @notice Claimant: opens the disputed slot. For the output of an operator the game goes on in the
    /// leaves of the tensor. For any other slot the call decides the game.
    /// @param inputs State, Data: one input with the proof in the checkpoint or the data. Compose: the inputs
    /// with their proofs in the trace.
    function openSlot(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        bytes32[] calldata slotProof,
        bytes32 tensor,
        Input[] calldata inputs
    ) external;

    /// @notice Claimant: opens the data of the disputed leaf.
    function openLeaf(uint256 id, bytes calldata data) external;

    /// @notice Challenger: picks an element of the leaf that differs from its own.
    function pickElement(uint256 id, Slot calldata slot, uint32 offset, bytes calldata data) external;

    /// @notice Claimant: posts the accumulators after each chunk of the element's fold. They must give the
    /// claimed element.
    function postFold(uint256 id, Slot calldata slot, uint32[] calldata accumulators) external;

    /// @notice Challenger: picks the first chunk whose accumulator differs from its own, or any chunk if only
    /// the number of chunks differs.
    function pickChunk(uint256 id, uint32 chunk, uint32[] calldata accumulators) external;

    /// @notice Anyone: opens the operands of the disputed element or chunk for the judge. This ends the game.
    function judge(
        uint256 id,
        Terms calldata terms,
        Slot calldata slot,
        Input[] calldata inputs,
        Opening[] calldata openings
    ) external;

    /// @notice Anyone: ends a game whose side to move is out of time. That side loses.
    function timeout(uint256 id) external;

    /// @notice Anyone: ends a live game of a claim that was lost in another game. The challenger gets its
    /// bond back and a share of the reward. The share is its part of the moves of all challengers whose games
    /// were live when the claim was lost.
    function release(uint256 id) external;

    /// @notice Anyone: settles a claim whose window is over and which has won every game. From then on the
    /// claim stands.
    function settle(uint256 id) external;

    /// @notice Pays the credit of the sender.
    function withdraw() external;

    /// @notice Whether the claim was settled.
    function stands(uint256 id) external view returns (bool);
    /// @notice A claim. Reverts if there is none.
    function claimOf(uint256 id) external view returns (Claim memory);
    /// @notice Several claims, in the order of the numbers. Reverts if there is one that is none.
    function claimsOf(uint256[] calldata ids) external view returns (Claim[] memory);
    /// @notice A game. Reverts if there is none.
    function gameOf(uint256 id) external view returns (Game memory);
    /// @notice The amount that an account can withdraw.
    function credit(address who) external view returns (uint256);
    /// @notice The sum of all burned bonds, which nobody can withdraw: half of the bond of each lost claim. A
    /// claimant that challenges its own false claim loses this half.
    function burned() external view returns (uint256);
    /// @notice The bond of a challenge: MOVE_BOND for each move of the longest game, and 20 MOVE_BOND for its
    /// judgement.
    function challengeBond(Terms calldata terms) external view returns (uint256);
    /// @notice The bond of a claim: four times the bond of a challenge.
    function claimBond(Terms calldata terms) external view returns (uint256);
    /// @notice Most leaves that a disputed tensor can have. A claim under a program with a larger output
    /// cannot be defended.
    function MAX_LEAVES() external view returns (uint256);
    /// @notice Seconds in which anyone who checks a claim has to be able to repeat one step.
    function STEP_SECONDS() external view returns (uint32);
    /// @notice Most seconds that repeating all steps of a run may take, by `STEP_SECONDS`. Nobody can claim a
    /// longer run.
    function MAX_REPEAT_SECONDS() external view returns (uint32);
    /// @notice Seconds in which a claim about so many steps can be challenged: the time to notice it, and
    /// `STEP_SECONDS` for each step. Reverts with `BadTerms` for no steps and for a run that is too long.
    function windowOf(uint32 steps) external view returns (uint256);
    /// @notice Number of claims made so far. The next claim has this number.
    function claimCount() external view returns (uint256);
    /// @notice Most moves that a game under these terms can have.
    function maxMoves(Terms calldata terms) external pure returns (uint256);
    /// @notice Seconds after which a claim can be decided by calls that anyone can make.
    function maxSeconds(Terms calldata terms) external view returns (uint256);
}
